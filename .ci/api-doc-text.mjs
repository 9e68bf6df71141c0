/** Text of doc comments as Markdown for docs/api: links to names, problems and pages; complete examples. */

/** The text of a doc comment. `{@link name}` and problem codes become links. */
export function formatDoc(text, links) {
  return text
    .trim()
    .split(/(```[\s\S]*?```)/)
    .map((part) => (part.startsWith('```') ? part : linkWords(part, links)))
    .join('');
}

function linkWords(text, links) {
  return text
    .replaceAll(/\{@link ([\w.]+)\}/g, (_, name) => {
      const target = links.to(name);
      return target === undefined ? `\`${name}\`` : `[\`${name}\`](${target})`;
    })
    .replaceAll(
      /`((?:cli|config|bake|import|dockerfile|plan|context|registry|engine|build|state|lint|run)\/[a-z][a-z0-9-]+)`/g,
      (_, code) => `[\`${code}\`](${links.toCode(code)})`,
    )
    .replaceAll(/(?<![\w/]|\]\()docs\/([a-z-]+\.md)/g, '[docs/$1](../$1)')
    .replaceAll(/(?<![\w/]|\]\()(schemas\/[a-z.]+\.json)/g, '[$1](../../$1)');
}

/** What a function returns and throws. */
export function formatReturns(tags, links) {
  const returns = tagsOf(tags, 'return').map((text) => `**Returns** ${formatDoc(text, links)}`);
  const throws = tagsOf(tags, 'throws').map((text) => `**Throws** ${formatDoc(text, links)}`);
  return [...returns, ...throws].map((text) => text.replaceAll(/\s*\n\s*/g, ' ')).join('\n\n');
}

/** Texts of the tags of a kind. */
export function tagsOf(tags, wanted) {
  return tags.filter(({ kind }) => kind === wanted).map(({ doc }) => doc ?? '');
}

let values = [];

/** Sets the values that examples may use without importing them. */
export function setValues(symbols) {
  values = symbols.filter(({ kind, isType }) => !isType && kind !== 'interface' && kind !== 'typeAlias');
}

/** An example as a complete program that imports what it uses from bake-ts. */
export function formatExample(text) {
  return text
    .trim()
    .replaceAll(/```ts\n([\s\S]*?)```/g, (_, program) => `\`\`\`ts\n${withImports(program)}\`\`\``);
}

/** How a value is used, to distinguish it from a variable or property of the same name. */
const USES = {
  function: (name) => `(?<![.\\w])${name}\\(`,
  class: (name) => `(?:new|instanceof) ${name}\\b`,
  variable: (name) => `(?<![.\\w])${name}\\b`,
};

function withImports(program) {
  if (program.includes("from 'bake-ts'")) return program;
  const used = values.filter(({ name, kind }) => new RegExp(USES[kind](name)).test(program));
  const line = `import { ${used.map(({ name }) => name).join(', ')} } from 'bake-ts';\n`;
  return program.startsWith('import ') ? `${line}${program}` : `${line}\n${program}`;
}
