/**
 * Bundles the compiled command line: dist/cli/main.js becomes two lines that load dist/bin/bake-ts.cjs, where our code
 * and the packages it needs are in a few files, of which a command loads only its own. What makes it worth it: 200 modules of
 * ESM cost Node more than twice its own start (docs/decisions.md, "The command line is bundled").
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { root, say } from './support.mjs';

const outDir = path.join(root, 'dist/bin');

const STUB = `#!/usr/bin/env node
// Made by .ci/bundle.mjs. CommonJS, since Node starts that quicker; required, since importing it would parse it twice.
import { createRequire } from 'node:module';
createRequire(import.meta.url)('../bin/bake-ts.cjs');
`;

/**
 * What the registry client takes of undici, whose index loads fetch, web sockets, caches and mocks too: four times as
 * long, in every run. Its parts are not public, so this is for the bundle only, where the version is fixed; a part
 * that moves ends the bundling.
 */
const UNDICI_PARTS = `
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import api from 'undici/lib/api/index.js';
Object.assign(Dispatcher.prototype, api);
export { default as Agent } from 'undici/lib/dispatcher/agent.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
`;

const undiciParts = {
  name: 'undici-parts',
  resolveId: {
    filter: { id: /^undici$/ },
    handler: (_id, importer) =>
      importer?.endsWith('/lib/registry/wire.js')
        ? path.join(root, 'node_modules/undici/parts.mjs')
        : undefined,
  },
  load: { filter: { id: /\/undici\/parts\.mjs$/ }, handler: () => UNDICI_PARTS },
};

/**
 * What lies compiled in dist/, ready to be written as one bundle or another. To be closed.
 * @param {Record<string, string>} input entries: name of the chunk, and the file below dist/ that it begins with
 * @param {readonly object[]} [plugins]
 */
export function openBundle(input, plugins = []) {
  return rolldown({
    input: Object.fromEntries(
      Object.entries(input).map(([name, file]) => [name, path.join(root, 'dist', file)]),
    ),
    platform: 'node',
    cwd: root,
    plugins: [undiciParts, ...plugins],
    // None of our modules does anything by being loaded, so an import of one name from an entry point does not load the whole package.
    treeshake: { moduleSideEffects: [{ test: /\/dist\/lib\/|\/dist\/cli\//, sideEffects: false }] },
    checks: { pluginTimings: false },
    onLog: (level, log) => {
      // Would be left as it is, and be missing in every installation.
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(`bundling: ${log.message}`);
      if (level === 'warn') say(`bundling: ${log.message}`);
    },
  });
}

/** Bundles what lies compiled in dist/. */
export async function bundle() {
  // batch runs as a thread, so it needs a file of its own, beside the one that starts it.
  const built = await openBundle({ 'bake-ts': 'cli/main.js', batch: 'lib/fingerprint/batch.js' });
  const { output } = await built.write({
    dir: outDir,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: false,
  });
  await built.close();
  // What an earlier bundle left goes last, so that one who runs it meanwhile finds all he needs.
  const made = new Set(output.map(({ fileName }) => fileName));
  for (const name of readdirSync(outDir)) if (!made.has(name)) rmSync(path.join(outDir, name));
  writeFileSync(
    path.join(outDir, 'THIRD-PARTY-LICENSES.txt'),
    licencesOf(output, 'The files in this folder contain code of these packages.'),
  );
  writeFileSync(path.join(root, 'dist/cli/main.js'), STUB, { mode: 0o755 });
}

/** Directories of the packages whose code is in the bundle. */
function packagesIn(output) {
  const dirs = output
    .flatMap((chunk) => chunk.moduleIds ?? [])
    .flatMap((id) => {
      const found = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
      return found === null ? [] : [found[1]];
    });
  return [...new Set(dirs)].sort();
}

/** Their licences ask to be kept with every copy. A package without one must not be shipped. */
export function licencesOf(output, head) {
  const texts = packagesIn(output).map((dir) => {
    const { name, version } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir).find((one) => /^licen[cs]e/i.test(one));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return `${name} ${version}\n\n${readFileSync(path.join(dir, file), 'utf8').trim()}\n`;
  });
  return `${head}\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
