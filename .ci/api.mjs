/**
 * `npm run api`: generates the report of the public surface (.ci/public-api.txt) and the API reference (docs/api/) from
 * lib/, with `deno doc`. With `--check` it writes nothing and fails if a file is outdated.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setValues } from './api-doc-text.mjs';
import { setInterfaces } from './api-fields.mjs';
import { formatPages } from './api-pages.mjs';
import { formatSurface, SURFACE_FILE } from './api-surface.mjs';
import { readSurface } from './api-types.mjs';
import { ensureRuntimes, root, say } from './support.mjs';

await ensureRuntimes();
const surface = await readSurface();
setValues(surface.symbols);
setInterfaces(surface.symbols);
const made = { [SURFACE_FILE]: formatSurface(surface.symbols), ...formatPages(surface) };

const isCheck = process.argv.includes('--check');
const stale = Object.entries(made).filter(([file, text]) => readIfThere(file) !== text);
const left = filesIn('docs/api').filter((file) => made[file] === undefined);
if (isCheck && stale.length + left.length > 0) {
  const files = [...stale.map(([file]) => file), ...left];
  say(`${files.join(', ')}: not what lib/ gives: run npm run api, and read the diff of ${SURFACE_FILE}`);
  process.exitCode = 1;
} else if (!isCheck) {
  for (const file of left) rmSync(path.join(root, file));
  for (const [file, text] of stale) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
}

function readIfThere(file) {
  return existsSync(path.join(root, file)) ? readFileSync(path.join(root, file), 'utf8') : undefined;
}

function filesIn(folder) {
  return existsSync(path.join(root, folder))
    ? readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`)
    : [];
}
