/**
 * The command line and the library as one file that needs no other, dist/bake.js (a part of `npm run build`). It runs under Node and Deno
 * from a file, from an address (Deno) and from standard input, and is the library where it is imported.
 *
 * It holds the chunks of a bundle as texts, of which each is compiled when it is first needed: as functions or as modules
 * of one scope all of them would be parsed at every start (docs/decisions.md, "One file").
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { licencesOf, openBundle } from './bundle.mjs';
import { root } from './support.mjs';

/** The file. */
export const oneFile = path.join(root, 'dist/bake.js');

/**
 * Starts with any installed runtime. In JavaScript the second line is a string and a comment. Node prints a warning if
 * no package.json beside it declares a module.
 */
const START = `#!/bin/sh
':' //; command -v node >/dev/null && exec node --disable-warning=MODULE_TYPELESS_PACKAGE_JSON "$0" "$@"; exec deno run -A "$0" "$@"
`;

/** Loads chunks: CommonJS modules whose `require` knows the other chunks and built-in modules. */
const LOADER = `
const loaded = new Map();
function load(id) {
  const name = id.replace(/^\\.\\//, '');
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const text = chunks[name];
  if (text === undefined) {
    const found = process.getBuiltinModule(id);
    if (found !== undefined) return found;
    throw Object.assign(new Error("Cannot find module '" + id + "'"), { code: 'MODULE_NOT_FOUND' });
  }
  const module = { exports: {} };
  loaded.set(name, module);
  // Not by node:vm, with which Node warns of every import() in it.
  new Function('exports', 'require', 'module', text + '\\n//# sourceURL=bake.js/' + name)(module.exports, load, module);
  return module.exports;
}
`;

/** Node 20 has no import.meta.main. */
const IS_MAIN = `
function isMain() {
  if (import.meta.main !== undefined) return import.meta.main;
  const script = process.argv[1];
  if (script === undefined) return false;
  if (script === '-') return import.meta.url.endsWith('/[eval1]');
  try {
    return process.getBuiltinModule('node:fs').realpathSync(script) === process.getBuiltinModule('node:url').fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}
`;

/** A thread has no separate file, so its code is in its URL. */
function inlineThread(code) {
  const statement = /^const BATCH = new URL\(.*\);$/m;
  return {
    name: 'inline-thread',
    transform: {
      filter: { id: /\/dist\/lib\/fingerprint\/pool\.js$/ },
      handler: (text) => {
        if (!statement.test(text)) throw new Error('bundling: the thread of pool.ts is not found');
        const url = `data:text/javascript,${encodeURIComponent(code)}`;
        return text.replace(statement, () => `const BATCH = new URL(${JSON.stringify(url)});`);
      },
    },
  };
}

/**
 * The chunks of command line (`main.js`) and library (`library.js`), by name, from the compiled code in dist/.
 * @returns {Promise<{ chunks: Record<string, string>, exports: readonly string[], licences: string }>}
 */
export async function makeChunks() {
  // Names of functions are kept for stack traces in bug reports.
  const minify = { compress: true, mangle: false, codegen: { removeWhitespace: true } };
  const thread = await openBundle({ batch: 'lib/fingerprint/batch.js' });
  const { output: batch } = await thread.generate({
    format: 'esm',
    codeSplitting: false,
    comments: false,
    minify,
  });
  await thread.close();
  const built = await openBundle({ main: 'cli/main.js', library: 'lib/mod.js' }, [
    inlineThread(batch[0].code),
  ]);
  const { output } = await built.generate({
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    comments: false,
    minify,
  });
  await built.close();
  const chunks = Object.fromEntries(
    output.map(({ fileName, code }) => [fileName, code.replace(/^#!.*\n/, '')]),
  );
  for (const [name, code] of Object.entries(chunks))
    if (/\b__dirname\b|pathToFileURL\(__filename\)/.test(code))
      throw new Error(`bundling: ${name} asks where it lies`);
  const { exports } = output.find(({ fileName }) => fileName === 'library.js');
  return { chunks, exports, licences: licencesOf(output, 'This file contains code of these packages.') };
}

/** Escapes everything outside of ASCII, so that the file works in any encoding. */
const asciiJson = (value) =>
  JSON.stringify(value).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The chunks as a declaration of `chunks`, one per line, and the loader. */
export function formatChunks(chunks) {
  const lines = Object.entries(chunks).map(([name, code]) => `${asciiJson(name)}: ${asciiJson(code)},\n`);
  return `const chunks = {\n__proto__: null,\n${lines.join('')}};\n${LOADER}`;
}

/** Makes dist/bake.js from the compiled code in dist/. */
export async function makeOneFile() {
  const { chunks, exports, licences } = await makeChunks();
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const names = exports.join(', ');
  const text = [
    START,
    `// bake-ts ${version}: the command line where this is run, the library where it is imported. Apache-2.0; at the end: licences of packages.\n`,
    // Early, so that Node detects at once that this is not CommonJS.
    `export let ${names};\n`,
    formatChunks(chunks),
    IS_MAIN,
    `if (isMain()) load('main.js');\nelse ({ ${names} } = load('library.js'));\n\n`,
    `/*\n${licences.replaceAll('*/', '* /').replace(/[^\0-\x7f]/g, '?')}*/\n`,
  ].join('');
  writeFileSync(oneFile, text);
  chmodSync(oneFile, 0o755);
}

/** The command line of the single file as CommonJS, which Node requires for an executable. */
export function readCommandLine() {
  const text = readFileSync(oneFile, 'utf8');
  const start = text.indexOf('\nconst chunks = {');
  const end = text.indexOf(IS_MAIN);
  if (start === -1 || end === -1) throw new Error('dist/bake.js is of an earlier build');
  return `${text.slice(start, end)}load('main.js');\n${text.slice(text.lastIndexOf('\n/*\n'))}`;
}
