/**
 * Bundles compiled code for npm: command line and library as one set of files in dist/bin, of which each command loads
 * only what it needs. npm's command runs dist/bin/bake-ts.cjs, made from start.cjs. Programs import the library as
 * dist/library.js and dist/library.d.ts (dist/bake.d.ts for the single file). The reason: loading 200 ES modules takes
 * Node more than twice as long as its own start (docs/decisions.md, "The command line is bundled").
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { dts } from 'rolldown-plugin-dts';
import { embedDocs } from './embed-docs.mjs';
import { root, say } from './support.mjs';

const outDir = path.join(root, 'dist/bin');

/**
 * The parts of undici that the registry client uses. Its index also loads fetch, web sockets, caches and mocks, which
 * takes four times as long in every run. The parts are not public, so this is only done in the bundle, with a pinned
 * version; bundling fails if a part moves.
 */
const UNDICI_PARTS = `
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import api from 'undici/lib/api/index.js';
Object.assign(Dispatcher.prototype, api);
export { default as Agent } from 'undici/lib/dispatcher/agent.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
`;

/** HTTP/2, which no connection may use, and proxies that lib/registry/proxy.ts rejects. */
const UNUSED = /\/undici\/lib\/dispatcher\/(?:client-h2|socks5-proxy-agent)\.js$/;

const undiciParts = {
  name: 'undici-parts',
  resolveId: {
    filter: { id: /^undici$/ },
    handler: (_id, importer) =>
      importer?.endsWith('/lib/registry/wire.js')
        ? path.join(root, 'node_modules/undici/parts.mjs')
        : undefined,
  },
  load: {
    filter: { id: [/\/undici\/parts\.mjs$/, UNUSED] },
    handler: (id) => (UNUSED.test(id) ? 'module.exports = undefined;' : UNDICI_PARTS),
  },
};

/**
 * Dependencies that are installed beside the bundle anyway and required from there, because copies would be a sixth of
 * the package: packages that ordinary commands do not load or that are one file (re2js, which start.cjs keeps
 * compiled); of undici, WebAssembly and the sending of forms; the schema.
 */
const INSTALLED = /^(?:ajv\/dist\/2020\.js|re2js|tar|undici)$/;
const INSTALLED_PARTS = /\/(llhttp\/llhttp(?:_simd)?-wasm\.js|web\/fetch\/body\.js)$/;
const SCHEMA = /\/(schemas\/builds\.schema\.json)$/;

const leaveInstalled = {
  name: 'leave-installed',
  resolveId: {
    filter: { id: [INSTALLED, INSTALLED_PARTS, SCHEMA] },
    handler(id, importer) {
      const [, part] = INSTALLED_PARTS.exec(id) ?? [];
      if (part !== undefined) return { id: `undici/lib/${part}`, external: true };
      const [, schema] = SCHEMA.exec(id) ?? [];
      if (schema !== undefined) return { id: `../../${schema}`, external: true };
      return undiciParts.resolveId.handler(id, importer) ?? { id, external: true };
    },
  },
};

/** Data that is not needed at start (checksums of Go modules, the script of the report page) is compressed, which saves 120 kB. */
const compressData = {
  name: 'compress-data',
  load: {
    filter: { id: /\/(?:engine\/go-module|page\/generated\/app)\.json$/ },
    handler(id) {
      const text = JSON.stringify(JSON.parse(readFileSync(id, 'utf8')));
      const packed = brotliCompressSync(text).toString('base64');
      const code = `import { brotliDecompressSync } from 'node:zlib';
export default JSON.parse(brotliDecompressSync(Buffer.from(${JSON.stringify(packed)}, 'base64')).toString());`;
      return { code, moduleType: 'js' };
    },
  },
};

/** `import()` does not work in code that start.cjs runs, so this file does it. */
const IMPORT = 'module.exports = (specifier) => import(specifier);\n';

const importElsewhere = {
  name: 'import-elsewhere',
  generateBundle(_options, output) {
    for (const chunk of Object.values(output)) {
      if (chunk.type !== 'chunk') continue;
      for (const { start, end, source } of nodesIn(parseAst(chunk.code), 'ImportExpression').reverse()) {
        const rest = chunk.code.slice(start + 'import'.length, end);
        // Requires modules with a constant name, so that Node need not start its ESM loader.
        const isNamed = source.type === 'Literal' || source.quasis?.length === 1;
        const call = isNamed
          ? `Promise.resolve().then(()=>require${rest})`
          : `require("./import.cjs")${rest}`;
        chunk.code = `${chunk.code.slice(0, start)}${call}${chunk.code.slice(end)}`;
      }
    }
  },
};

/**
 * Exports of a chunk as plain properties, assigned at its end, when all values are set except variables that change
 * later.
 */
const plainExports = {
  name: 'plain-exports',
  generateBundle(_options, output) {
    for (const chunk of Object.values(output)) {
      if (chunk.type !== 'chunk') continue;
      const tree = parseAst(chunk.code);
      const places = [
        ...nodesIn(tree, 'AssignmentExpression').map(({ left }) => left),
        ...nodesIn(tree, 'UpdateExpression').map(({ argument }) => argument),
      ];
      const set = new Set(places.flatMap((place) => nodesIn(place, 'Identifier')).map(({ name }) => name));
      chunk.code = chunk.code.replace(
        /Object\.defineProperty\(exports,"([\w$]+)",\{enumerable:!0,get:function\(\)\{return ([\w$]+)\}\}\)/g,
        (getter, name, value) => (set.has(value) ? getter : `exports.${name}=${value}`),
      );
    }
  },
};

/** V8 uses twice the memory for a file with any character outside of Latin-1, and Node must decode all of it. */
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

/** The nodes of a type in a syntax tree, in order. */
function nodesIn(node, type) {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap((one) => nodesIn(one, type));
  return node.type === type ? [node, ...inside] : inside;
}

/** Chunks of the bundle, by their entry modules; modules in an earlier one are not repeated in a later one. */
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
 * Opens the compiled code in dist/, ready to be written as different bundles. Must be closed.
 * @param {Record<string, string>} input entries: name of the chunk, and its entry file in dist/
 * @param {readonly object[]} [plugins]
 * @param {object} [options] more options of the bundler
 */
export function openBundle(input, plugins = [], options = {}) {
  return rolldown({
    ...options,
    input: Object.fromEntries(
      Object.entries(input).map(([name, file]) => [name, path.join(root, 'dist', file)]),
    ),
    platform: 'node',
    cwd: root,
    // Prefers ES modules, because only their used parts are bundled.
    resolve: { mainFields: ['module', 'main'] },
    plugins: [...plugins, embedDocs, undiciParts],
    // No module of bake-ts has side effects on load, so an import of one name from an entry point does not load the whole package.
    treeshake: { moduleSideEffects: [{ test: /\/dist\/lib\/|\/dist\/cli\//, sideEffects: false }] },
    checks: { pluginTimings: false },
    onLog: (level, log) => {
      // It would stay unresolved, and be missing in every installation.
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(`bundling: ${log.message}`);
      // Modules that are in one chunk are loaded together anyway.
      if (level === 'warn' && log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') say(`bundling: ${log.message}`);
    },
  });
}

/** Bundles the compiled code in dist/. */
export async function bundle() {
  // batch runs as a thread, so it needs its own file, beside the one that starts it.
  const built = await openBundle(
    { main: 'cli/main.js', library: LIBRARY, batch: 'lib/fingerprint/batch.js' },
    [leaveInstalled, compressData, importElsewhere, plainExports, asciiOnly],
    { preserveEntrySignatures: 'allow-extension' },
  );
  // Generated twice: first to see which modules are loaded together, then with these in one file each.
  const apart = await built.generate({ format: 'cjs' });
  const { output } = await built.write({
    dir: outDir,
    format: 'cjs',
    codeSplitting: { includeDependenciesRecursively: false, groups: loadedTogether(apart.output) },
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    comments: false,
    // Names of functions are kept for stack traces in bug reports.
    minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
  });
  await built.close();
  // Outdated files are removed last, so that a concurrently running command finds all of its files.
  const made = new Set(output.map(({ fileName }) => fileName));
  writeFileSync(path.join(outDir, 'bake-ts.cjs'), starter(output), { mode: 0o755 });
  writeFileSync(path.join(outDir, 'import.cjs'), IMPORT);
  made.add('bake-ts.cjs').add('import.cjs');
  for (const name of readdirSync(outDir)) if (!made.has(name)) rmSync(path.join(outDir, name));
  writeFileSync(
    path.join(outDir, 'THIRD-PARTY-LICENSES.txt'),
    licencesOf(output, 'The files in this folder contain code of these packages.'),
  );
  await writeLibrary();
}

const LIBRARY = 'lib/mod.js';

/** The library for importing: its exports from the bundle, and its types in one file. */
async function writeLibrary() {
  // The bundle's own file also exports names for other chunks.
  const names = Object.keys(await import(pathToFileURL(path.join(root, 'dist', LIBRARY)).href));
  writeFileSync(
    path.join(root, 'dist/library.js'),
    `import library from './bin/library.cjs';\nexport const { ${names.join(', ')} } = library;\n`,
  );
  const types = await rolldown({
    input: path.join(root, 'dist', LIBRARY.replace('.js', '.d.ts')),
    cwd: root,
    plugins: [dts({ dtsOnly: true, generator: 'oxc', sourcemap: false })],
    checks: { pluginTimings: false },
  });
  const { output } = await types.generate({ format: 'esm' });
  await types.close();
  if (output.length !== 1) throw new Error('bundling: the types of the library are more than one file');
  // Indented by tabs, which is smaller.
  const code = output[0].code.replaceAll(/^(?: {2})+/gm, (blanks) => '\t'.repeat(blanks.length / 2));
  for (const name of ['library.d.ts', 'bake.d.ts']) writeFileSync(path.join(root, 'dist', name), code);
}

/**
 * Groups modules that are always loaded together when a file is planned, because Node needs a tenth of a millisecond
 * for each file, and there were forty. The groups: the start of every command, reading and planning, and additional
 * modules for bake files.
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

/** The file that runs the bundle, with an identifier of its content, so that the compile cache of another bundle is not used. */
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

/** Licence texts, which must be included in every copy; equal ones once. A package without one must not be shipped. */
export function licencesOf(output, head) {
  const packages = new Map();
  for (const dir of packagesIn(output)) {
    const { name, version } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir).find((one) => /^licen[cs]e/i.test(one));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    const text = readFileSync(path.join(dir, file), 'utf8').trim();
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version}`]);
  }
  const texts = [...packages].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
  return `${head}\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
