/**
 * The playground: the planner and an editor in one HTML file, which opens from a disk as from a server and asks no network for anything.
 * Modules of Node are replaced by stand-ins (lib/page/playground/browser).
 *
 *   node .ci/playground.mjs [FILE]     default: dist/playground.html
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleScript, hash, readStyle } from './page.mjs';
import { root, say } from './support.mjs';

const FOLDER = 'lib/page/playground';
const STAND_INS = {
  'node:buffer': 'buffer',
  'node:crypto': 'crypto',
  'node:fs': 'fs',
  'node:fs/promises': 'fs',
  'node:module': 'others',
  'node:os': 'others',
  'node:path': 'path',
  'node:process': 'process',
  'node:url': 'others',
};

/** The page as text. */
export async function makePlayground() {
  const script = await bundleScript(`${FOLDER}/main.tsx`, 'bake-ts playground', {
    plugins: [standIns()],
    inject: { Buffer: ['node:buffer', 'Buffer'] },
  });
  const style = `${readStyle('lib/page/app/style.css')}\n${readStyle(`${FOLDER}/style.css`)}`;
  const policy = [
    "default-src 'none'",
    // ajv compiles the schemas of variables.
    `script-src '${hash(script)}' 'unsafe-eval'`,
    `style-src '${hash(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<title>Playground · bake-ts</title>',
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<div id="app"><main class="page"><h1>bake-ts playground</h1><p>This page needs JavaScript.</p></main></div>',
    `<script>${script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Replaces Node's modules by stand-ins. */
function standIns() {
  const folder = path.join(root, FOLDER, 'browser');
  return {
    name: 'stand-ins',
    resolveId(source, importer) {
      if (!source.startsWith('node:')) return undefined;
      // Modules without a stand-in are removed with the code that uses them; otherwise bundleScript fails.
      if (STAND_INS[source] === undefined) return { id: source, external: true };
      // Stand-ins import each other by path.
      return importer?.startsWith(folder) ? undefined : `\0${source}`;
    },
    async load(id) {
      const name = STAND_INS[id.slice(1)];
      if (!id.startsWith('\0') || name === undefined) return undefined;
      const file = path.join(folder, `${name}.ts`);
      const text = readFileSync(file, 'utf8');
      const declared = [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)];
      const renamed = [...text.matchAll(/^export \{ (?:\w+ as )?(\w+) \};$/gm)];
      const there = new Set([...declared, ...renamed].map(([, one]) => one));
      const whole = Object.keys(await import(id.slice(1)));
      // Code that is removed from the bundle imports more than the stand-ins export.
      const absent = whole.filter((one) => !there.has(one) && one !== 'default');
      return [
        `export * from ${JSON.stringify(file)};`,
        ...(there.has('default') ? [`export { default } from ${JSON.stringify(file)};`] : []),
        ...absent.map(
          (one) =>
            `export function ${one}() { throw new Error('${one} of ${id.slice(1)} is not in the playground'); }`,
        ),
      ].join('\n');
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const file = path.resolve(process.argv[2] ?? path.join(root, 'dist/playground.html'));
  mkdirSync(path.dirname(file), { recursive: true });
  const page = await makePlayground();
  writeFileSync(file, page);
  say(`${path.relative(process.cwd(), file)}: ${Math.round(page.length / 1000)} kB`);
}
