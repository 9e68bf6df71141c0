/**
 * Bundles the compiled command line: our code and the packages it needs in a few files in dist/bin, of which a command loads only
 * its own. dist/bin/bake-ts.cjs, made of start.cjs, is what npm's command runs. What makes it worth it: 200 modules of ESM
 * cost Node more than twice its own start (docs/decisions.md, "The command line is bundled").
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { root, say } from './support.mjs';

const outDir = path.join(root, 'dist/bin');

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

/** `import()` does not work in code that start.cjs runs, so this file does it for the others. */
const IMPORT = 'module.exports = (specifier) => import(specifier);\n';

const importElsewhere = {
  name: 'import-elsewhere',
  generateBundle(_options, output) {
    for (const chunk of Object.values(output)) {
      if (chunk.type !== 'chunk') continue;
      for (const start of importsIn(parseAst(chunk.code)).reverse())
        chunk.code = `${chunk.code.slice(0, start)}require("./import.cjs")${chunk.code.slice(start + 'import'.length)}`;
    }
  },
};

/** With one character that is not in Latin-1 V8 keeps a file in twice the memory, and Node decodes all of it. */
const asciiOnly = {
  name: 'ascii-only',
  generateBundle(_options, output) {
    for (const chunk of Object.values(output)) {
      if (chunk.type !== 'chunk') continue;
      if (/String\.raw`[^`]*[^\0-\x7f]/.test(chunk.code)) throw new Error('bundling: raw text must be ASCII');
      chunk.code = chunk.code.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/** Where `import()` stands in code, in order. */
function importsIn(node) {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap(importsIn);
  return node.type === 'ImportExpression' ? [node.start, ...inside] : inside;
}

/** Parts of the bundle by the modules that they begin with; what is in an earlier one is not in a later one. */
const TOGETHER = {
  start: ['cli/main.js'],
  plan: [
    'cli/commands/plan.js',
    'cli/inputs.js',
    'lib/config/read.js',
    'lib/plan/graph.js',
    'lib/prepare/prepare.js',
  ],
  bake: ['lib/config/bake-source.js'],
};

/**
 * What lies compiled in dist/, ready to be written as one bundle or another. To be closed.
 * @param {Record<string, string>} input entries: name of the chunk, and the file below dist/ that it begins with
 * @param {readonly object[]} [plugins]
 * @param {object} [options] further ones of the bundler
 */
export function openBundle(input, plugins = [], options = {}) {
  return rolldown({
    ...options,
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
      // Modules that lie together are loaded together, whoever imports them.
      if (level === 'warn' && log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') say(`bundling: ${log.message}`);
    },
  });
}

/** Bundles what lies compiled in dist/. */
export async function bundle() {
  // batch runs as a thread, so it needs a file of its own, beside the one that starts it.
  const built = await openBundle(
    { main: 'cli/main.js', batch: 'lib/fingerprint/batch.js' },
    [importElsewhere, asciiOnly],
    { preserveEntrySignatures: 'allow-extension' },
  );
  // Once to see which modules are loaded together, and once with these in one file each.
  const apart = await built.generate({ format: 'cjs' });
  const { output } = await built.write({
    dir: outDir,
    format: 'cjs',
    codeSplitting: { includeDependenciesRecursively: false, groups: loadedTogether(apart.output) },
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: false,
    // Names of functions stay, for the stack of a bug that somebody reports.
    minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
  });
  await built.close();
  // What an earlier bundle left goes last, so that one who runs it meanwhile finds all he needs.
  const made = new Set(output.map(({ fileName }) => fileName));
  writeFileSync(path.join(outDir, 'bake-ts.cjs'), starter(output), { mode: 0o755 });
  writeFileSync(path.join(outDir, 'import.cjs'), IMPORT);
  made.add('bake-ts.cjs').add('import.cjs');
  for (const name of readdirSync(outDir)) if (!made.has(name)) rmSync(path.join(outDir, name));
  writeFileSync(
    path.join(outDir, 'THIRD-PARTY-LICENSES.txt'),
    licencesOf(output, 'The files in this folder contain code of these packages.'),
  );
}

/**
 * Modules that are always loaded together when a file is planned: for each file that Node reads it takes a tenth of a millisecond, and
 * there were forty. What begins every command, what reads and plans, and what more bake's files take.
 */
function loadedTogether(chunks) {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const taken = new Set();
  return Object.entries(TOGETHER).map(([name, modules]) => {
    const open = chunks.filter(({ moduleIds = [] }) => moduleIds.some((id) => modules.includes(idOf(id))));
    const ids = new Set();
    for (let chunk = open.pop(); chunk !== undefined; chunk = open.pop()) {
      if (taken.has(chunk)) continue;
      taken.add(chunk);
      for (const id of chunk.moduleIds) ids.add(id);
      open.push(...chunk.imports.flatMap((file) => byName.get(file) ?? []));
    }
    return { name, test: (id) => ids.has(id) && idOf(id) !== 'cli/main.js' };
  });
}

function idOf(id) {
  return path.relative(path.join(root, 'dist'), id).replaceAll(path.sep, '/');
}

/** The file that runs the bundle, with a word for what is in it: what was compiled of another one does not count. */
function starter(output) {
  const hash = createHash('sha256');
  for (const { code, fileName } of output) hash.update(`${fileName}\0${code}\0`);
  const text = readFileSync(path.join(root, '.ci/start.cjs'), 'utf8');
  return text.replace('__BUNDLE__', hash.digest('hex').slice(0, 12));
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
