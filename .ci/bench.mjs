/**
 * `npm run bench [name]…`: compiles, and runs the benchmarks of bench/ one after another: hash, plan, unchanged. Each
 * compares with its peer in the same run where that is there (BUILDX names a buildx binary), and says where it is not.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { ensureModules, heading, must, root } from './support.mjs';

const wanted = process.argv.slice(2);
await ensureModules();
await build();
for (const file of readdirSync(path.join(root, 'bench')).sort()) {
  const name = file.replace(/\.ts$/, '');
  if (name === file || (wanted.length > 0 && !wanted.includes(name))) continue;
  heading(name);
  await must([process.execPath, path.join(root, 'dist/bench', `${name}.js`)], { show: 'always' });
}
