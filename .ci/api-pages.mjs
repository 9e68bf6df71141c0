/**
 * The API reference, docs/api/*.md: a page for each part of the public surface, and an index, from the output of `deno
 * doc`.
 *
 * A page has functions in the order in which lib/mod.ts names them, each followed by the types that it is the first to
 * use.
 */
import { formatDoc, formatExample, formatReturns, tagsOf } from './api-doc-text.mjs';
import { formatFields, formatTypeBody } from './api-fields.mjs';
import { compareText, declarationLines, membersOf, memberText, namesIn } from './api-types.mjs';
import { listFailureCodes } from './failure-codes.mjs';
import { slugOf } from './markdown.mjs';

const FOLDER = 'docs/api';

/** The pages, and the files whose names they contain; the first match wins. */
const PAGES = [
  {
    file: 'registry.md',
    title: 'Registries',
    intro:
      'A client of the [distribution API](https://github.com/opencontainers/distribution-spec/blob/main/spec.md), and references to images. [Registries](../registry.md) explains how registries are reached and where credentials come from.',
    holds: /^lib\/(registry\/|toolkit\/registry\.ts|model\/image-ref\.ts)/,
  },
  {
    file: 'engine.md',
    title: 'Engines',
    intro:
      'Use the engine that a run would use, and install, start and stop the embedded engine. [The engine](../engine.md) explains how an engine is found.',
    holds: /^lib\/(engine\/|toolkit\/engine\.ts|model\/(worker|process)\.ts|system\/)/,
  },
  {
    file: 'definitions.md',
    title: 'Builds as data',
    intro:
      'The structure of builds.yaml as types: for a `builds.ts`, for the option `definition` of every call, and (except for a few keys) for `build()`. [The language](../language.md) explains the keys.',
    holds: /^lib\/config\/(define|schema)\.ts/,
  },
  {
    file: 'results.md',
    title: 'Results, problems and events',
    intro:
      'What calls return and report. [Failures](../failures.md) explains each problem and what to do about it, [events](../events.md) the order of events.',
    holds: /^lib\/(toolkit\/(unwrap|events|reporter)\.ts|model\/(result|problem|event|source)\.ts|report\/)/,
  },
  {
    file: 'plans.md',
    title: 'Sets and plans',
    intro:
      'The results of `readBuilds()` and `plan()`: every build with its final values, and which of them run in which order. There are no functions here, only the types of `set`, `plan` and `document`.',
    holds: /^lib\/(model|plan)\//,
  },
  {
    file: 'calls.md',
    title: 'Calls',
    intro:
      'Each call does a whole job. Options with a `?` may be left out. Every call accepts `cwd` and `env`, which default to those of the process. Calls that work on a plan accept a `plan`, or the options to make one.',
    holds: /./,
  },
];

/** Order in the index. */
const ORDER = ['calls.md', 'results.md', 'plans.md', 'definitions.md', 'registry.md', 'engine.md'];

/**
 * Makes all pages.
 *
 * @returns {Record<string, string>} path from the root → text
 */
export function formatPages({ moduleDoc, symbols }) {
  const ordered = orderOf(moduleDoc);
  const missing = symbols.filter(
    ({ kind, isType, name }) => kind !== 'interface' && !isType && !ordered.includes(name),
  );
  if (missing.length > 0)
    throw new Error(`the comment of lib/mod.ts does not name ${missing.map(({ name }) => name).join(', ')}`);
  const pages = ORDER.map((file) => {
    const page = PAGES.find((one) => one.file === file);
    const own = symbols.filter((symbol) => PAGES.find(({ holds }) => holds.test(symbol.file)) === page);
    return { ...page, symbols: arrange(own, ordered) };
  });
  const links = createLinks(pages);
  const entries = pages.map((page) => [`${FOLDER}/${page.file}`, formatPage(page, links.on(page.file))]);
  return Object.fromEntries([
    [`${FOLDER}/README.md`, formatIndex(moduleDoc, pages, links.on('README.md'))],
    ...entries,
  ]);
}

/** Names in the order of the links in the comment of lib/mod.ts. */
function orderOf(moduleDoc) {
  return [...new Set([...moduleDoc.matchAll(/\{@link (\w+)\}/g)].map(([, name]) => name))];
}

/** Types that a page without functions begins with. */
const FIRST = ['BuildSet', 'Build', 'Plan', 'PlanDocument'];

/** Values in order, each followed by the types of the page that it is the first to use; then the rest. */
function arrange(symbols, ordered) {
  const byName = new Map(symbols.map((symbol) => [symbol.name, symbol]));
  const placed = new Map();
  const isLeader = ({ kind, isType }) => kind !== 'interface' && kind !== 'typeAlias' && !isType;
  const place = (symbol) => {
    if (placed.has(symbol.name)) return;
    placed.set(symbol.name, symbol);
    const next = [...namesIn(symbol.def)].map((name) => byName.get(name));
    for (const one of next) if (one !== undefined && !isLeader(one)) place(one);
  };
  const leaders = symbols.filter(isLeader);
  leaders.sort((one, other) => ordered.indexOf(one.name) - ordered.indexOf(other.name));
  const first = FIRST.flatMap((name) => byName.get(name) ?? []);
  for (const one of [...leaders, ...first, ...symbols]) place(one);
  return [...placed.values()];
}

/** The page of each name and of each problem code. */
function createLinks(pages) {
  const places = new Map();
  for (const { file, title, symbols } of pages) {
    const taken = new Map([[slugOf(title), 1]]);
    const add = (name, heading) => {
      const slug = slugOf(heading);
      const count = taken.get(slug) ?? 0;
      taken.set(slug, count + 1);
      places.set(name, { file, slug: count === 0 ? slug : `${slug}-${count}` });
    };
    for (const symbol of symbols) {
      add(symbol.name, headingOf(symbol));
      if (symbol.kind !== 'class') continue;
      for (const { name } of methodsOf(symbol)) add(`${symbol.name}.${name}`, `${symbol.name}.${name}()`);
    }
  }
  const codes = new Set(listFailureCodes().map(({ code }) => code));
  return {
    on: (page) => ({
      /** Address of a name, or undefined if it is not from bake-ts. */
      to(name) {
        const place = places.get(name);
        if (place === undefined) return undefined;
        return `${place.file === page ? '' : place.file}#${place.slug}`;
      },
      toCode(code) {
        if (!codes.has(code))
          throw new Error(`${code} has no heading in docs/failures/, but a doc comment names it`);
        return `../failures/${code.split('/')[0]}.md#${slugOf(code)}`;
      },
    }),
  };
}

function headingOf({ name, kind }) {
  return kind === 'function' ? `${name}()` : name;
}

function methodsOf({ def }) {
  return membersOf(def).filter(({ is }) => is === 'method');
}

function formatPage({ title, intro, symbols }, links) {
  const parts = [`# ${title}`, intro, ...symbols.flatMap((symbol) => formatSymbol(symbol, symbols, links))];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** A type below the function that uses it has a lower heading level. */
function formatSymbol(symbol, siblings, links) {
  const isLeader =
    !['interface', 'typeAlias'].includes(symbol.kind) || siblings.every(({ kind }) => kind !== 'function');
  const head = [`${isLeader ? '##' : '###'} ${headingOf(symbol)}`];
  const doc = formatDoc(symbol.doc, links);
  switch (symbol.kind) {
    case 'function':
      return [
        ...head,
        code(declarationLines(symbol)),
        doc,
        formatParameters(symbol.tags, links),
        formatReturns(symbol.tags, links),
        ...tagsOf(symbol.tags, 'example').map(formatExample),
      ];
    case 'variable':
      return [
        ...head,
        code(declarationLines(symbol)),
        doc,
        ...tagsOf(symbol.tags, 'example').map(formatExample),
      ];
    case 'class':
      return [
        ...head,
        doc,
        formatFields(symbol, links),
        ...methodsOf(symbol).flatMap((one) => formatMethod(symbol, one, links)),
      ];
    default:
      return [...head, doc, formatTypeBody(symbol, links)];
  }
}

function formatMethod({ name }, member, links) {
  const { jsDoc = {} } = member;
  const tags = jsDoc.tags ?? [];
  return [
    `### ${name}.${member.name}()`,
    code([`${memberText(member)};`]),
    formatDoc(jsDoc.doc ?? '', links),
    formatParameters(tags, links),
    formatReturns(tags, links),
    ...tagsOf(tags, 'example').map(formatExample),
  ];
}

function formatParameters(tags, links) {
  const lines = tags
    .filter(({ kind }) => kind === 'param')
    .map(({ name, doc }) => `- \`${name}\`: ${formatDoc(doc, links)}`);
  return lines.join('\n');
}

function code(lines) {
  return `\`\`\`ts\n${lines.join('\n')}\n\`\`\``;
}

function formatIndex(moduleDoc, pages, links) {
  const intro = formatDoc(moduleDoc, links);
  const rows = ({ file, title, symbols, intro: about }) => {
    const values = symbols.filter(
      ({ kind, isType }) => kind !== 'interface' && kind !== 'typeAlias' && !isType,
    );
    const table = values.map(
      (symbol) =>
        `| [\`${headingOf(symbol)}\`](${links.to(symbol.name)}) | ${firstSentence(symbol.doc, links)} |`,
    );
    return [`## [${title}](${file})`, table.length === 0 ? about : `| | |\n|---|---|\n${table.join('\n')}`];
  };
  const types = pages
    .flatMap(({ symbols }) => symbols)
    .filter(({ kind, isType }) => kind === 'interface' || kind === 'typeAlias' || isType)
    .map(({ name }) => name)
    .sort(compareText);
  return `${[
    '# The API, name by name',
    'Every exported name with its signature. [The library](../library.md) explains how to use it, [scripts](../scripts.md) has whole programs. All fields are `readonly`, which is left out here. A `?` marks what may be absent. `npm run api` makes these pages from the source.',
    intro,
    ...pages.flatMap(rows),
    '## All types',
    types.map((name) => `[\`${name}\`](${links.to(name)})`).join(' · '),
  ].join('\n\n')}\n`;
}

function firstSentence(doc, links) {
  const [first = ''] = doc.split(/\n\n/);
  const sentence = /^[\s\S]*?[.](?=\s|$)/.exec(first)?.[0] ?? first;
  return formatDoc(sentence, links).replaceAll('\n', ' ').replace(/\.$/, '');
}
