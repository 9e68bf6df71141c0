/**
 * Bundles what is compiled into what npm gets: command line and library in one set of files in dist/bin, of which a command loads only
 * its own. dist/bin/bake-ts.cjs, made of start.cjs, is what npm's command runs; dist/library.js and dist/library.d.ts (dist/bake.d.ts for
 * the one file) are the library as programs import it. What makes it worth it: 200 modules of ESM cost Node more than twice its own
 * start (docs/decisions.md, "The command line is bundled").
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

/** HTTP/2, which is not allowed to any connection, and proxies that lib/registry/proxy.ts refuses. */
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
 * What lies beside the bundle wherever it is installed, and is required from there since a second copy would be a sixth of the
 * package: packages that no start of an ordinary command needs or that are one file (re2js, which start.cjs keeps compiled); of undici,
 * WebAssembly and what sends forms; the schema.
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

/** Data that no start needs (checksums of Go modules, the program of the report page), compressed: 120 kB less to download and keep. */
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

/** `import()` does not work in code that start.cjs runs, so this file does it for the others. */
const IMPORT = 'module.exports = (specifier) => import(specifier);\n';

const importElsewhere = {
  name: 'import-elsewhere',
  generateBundle(_options, output) {
    for (const chunk of Object.values(output)) {
      if (chunk.type !== 'chunk') continue;
      for (const { start, end, source } of nodesIn(parseAst(chunk.code), 'ImportExpression').reverse()) {
        const rest = chunk.code.slice(start + 'import'.length, end);
        // What has a name is required, for which Node does not have to begin with its other loader.
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
 * What a file of the bundle hands to others, as plain properties: it does so at its end, when all but a variable that is set later has
 * its value.
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

/** Each part of a syntax tree that is of a type, in order. */
function nodesIn(node, type) {
  if (typeof node !== 'object' || node === null) return [];
  const inside = Object.values(node).flatMap((one) => nodesIn(one, type));
  return node.type === type ? [node, ...inside] : inside;
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
    // ES modules, where a package has them: of those only what is used is taken.
    resolve: { mainFields: ['module', 'main'] },
    plugins: [...plugins, embedDocs, undiciParts],
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
    { main: 'cli/main.js', library: LIBRARY, batch: 'lib/fingerprint/batch.js' },
    [leaveInstalled, compressData, importElsewhere, plainExports, asciiOnly],
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
  await writeLibrary();
}

const LIBRARY = 'lib/mod.js';

/** The library as programs import it: its names over the bundle, and its types, of all files in one. */
async function writeLibrary() {
  // The bundle's own file has names for other files of it, too.
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
  // Indented by tabs, which is shorter.
  const code = output[0].code.replaceAll(/^(?: {2})+/gm, (blanks) => '\t'.repeat(blanks.length / 2));
  for (const name of ['library.d.ts', 'bake.d.ts']) writeFileSync(path.join(root, 'dist', name), code);
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

/** Their licences ask to be kept with every copy, equal ones once. A package without one must not be shipped. */
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
