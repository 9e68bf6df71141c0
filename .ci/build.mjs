/**
 * `npm run build`: compiles to dist/, removes outdated files there, and bundles the command line: into dist/bin, and
 * with the library into the single file dist/bake.js. Run as a program, or imported for {@link build}.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { must, root } from './support.mjs';

/** Builds or updates dist/. Type errors are printed and end the script. Requires installed packages. */
export async function build() {
  for (const folder of ['lib', 'cli', 'test', 'bench']) pruneCompiled(folder);
  await must([process.execPath, path.join(root, 'node_modules/typescript/bin/tsc')]);
  // Loaded here, because an importing script may install the packages first.
  const [{ bundle }, { makeOneFile }] = await Promise.all([import('./bundle.mjs'), import('./one-file.mjs')]);
  await makeOneFile();
  await bundle();
}

function pruneCompiled(folder) {
  const dist = path.join(root, 'dist', folder);
  if (!existsSync(dist)) return;
  for (const name of readdirSync(dist, { recursive: true })) {
    const source = String(name).replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
    if (source !== name && !existsSync(path.join(root, folder, source))) rmSync(path.join(dist, name));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build();
