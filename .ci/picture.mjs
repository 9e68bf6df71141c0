/**
 * `npm run picture`: draws which packages of lib/ import which, from the code, into docs/architecture.md. With `--check` it
 * writes nothing and fails where the picture is not what the code gives.
 *
 * An import that is implied by a longer way is left out, and so are the packages that all may import: the picture shows
 * the levels and not a web.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, say } from './support.mjs';

const DOC = path.join(root, 'docs/architecture.md');
/** Packages that every package may import. */
const BASIC = new Set(['util', 'model', 'system']);
const MARKED = /(<!-- picture -->\n)[\s\S]*?(<!-- \/picture -->)/;

const imports = readImports();
const picture = draw(withoutImplied(imports));
const before = readFileSync(DOC, 'utf8');
const after = before.replace(MARKED, (_, start, end) => `${start}${picture}${end}`);
if (!MARKED.test(before)) {
  say('docs/architecture.md has no place for the picture');
  process.exitCode = 1;
} else if (process.argv.includes('--check')) {
  if (before !== after) {
    say('the picture in docs/architecture.md is not what the code gives: npm run picture');
    process.exitCode = 1;
  }
} else writeFileSync(DOC, after);

/** Package → imported packages, including type and lazy imports; `cli` and `lib/mod.ts` are at the top. */
function readImports() {
  const found = new Map([['cli', new Set()]]);
  for (const folder of ['lib', 'cli']) {
    for (const name of readdirSync(path.join(root, folder), { recursive: true })) {
      const file = `${folder}/${String(name).replaceAll(path.sep, '/')}`;
      const from = packageOf(file);
      // The browser application of the report page is bundled separately.
      const isApp = file.startsWith('lib/page/app/');
      if (!file.endsWith('.ts') || isApp || from === undefined || BASIC.has(from)) continue;
      const targets = found.get(from) ?? new Set();
      found.set(from, targets);
      for (const [, target] of readFileSync(path.join(root, file), 'utf8').matchAll(
        /(?:from|import\() *'(\.[^']+)'/g,
      )) {
        const to = packageOf(path.posix.join(path.posix.dirname(file), target));
        if (to !== undefined && to !== from && !BASIC.has(to)) targets.add(to);
      }
    }
  }
  return found;
}

function packageOf(file) {
  if (file.startsWith('cli/')) return 'cli';
  return /^lib\/([^/]+)\//.exec(file)?.[1];
}

/** The graph without imports that a longer path implies. */
function withoutImplied(graph) {
  const reach = new Map();
  const reachable = (from) => {
    if (!reach.has(from)) {
      const all = new Set();
      reach.set(from, all);
      for (const to of graph.get(from) ?? []) for (const one of [to, ...reachable(to)]) all.add(one);
    }
    return reach.get(from);
  };
  return new Map(
    [...graph].map(([from, targets]) => [
      from,
      [...targets].filter((to) => ![...targets].some((other) => other !== to && reachable(other).has(to))),
    ]),
  );
}

function draw(graph) {
  const lines = [...graph]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([from, targets]) =>
      targets.length === 0 ? [`  ${from}`] : [...targets].sort().map((to) => `  ${from} --> ${to}`),
    );
  return `\`\`\`mermaid\nflowchart TD\n${lines.join('\n')}\n\`\`\`\n`;
}
