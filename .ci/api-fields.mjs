/** Fields of types as Markdown tables, with links to their types. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { formatDoc } from './api-doc-text.mjs';
import { declarationLines, membersOf, memberText, namesIn, typeText } from './api-types.mjs';
import { root } from './support.mjs';

/** Longest literal type that is shown in full in a table. */
const SHOWN = 70;

/** The body of a type: a table of fields, one for each variant, or its declaration. */
export function formatTypeBody(symbol, links) {
  const { kind, def } = symbol;
  if (kind === 'interface')
    return [formatFields(symbol, links), formatBases(def, links)].filter(Boolean).join('\n\n');
  const { tsType } = def;
  const values = readValues(symbol);
  if (values !== undefined)
    return `| Value | Meaning |\n|---|---|\n${values.map(([value, doc]) => `| \`'${value}'\` | ${cell(doc, links)} |`).join('\n')}`;
  const variants = tsType.kind === 'union' || tsType.kind === 'intersection' ? tsType.value : [tsType];
  const documented = variants.filter((one) => one.kind === 'typeLiteral' && isDocumented(one));
  const forms = documented.map((one) => formatVariant(one, variants.length > 1, links));
  const isWhole = documented.length > 0 && documented.length === variants.length;
  if (isWhole && def.typeParams === undefined) return forms.join('\n\n');
  const others = [...namesIn(def)].filter((name) => name !== symbol.name);
  const seen = others.flatMap((name) => linkOf(name, links));
  return [
    `\`\`\`ts\n${declarationLines(symbol).join('\n')}\n\`\`\``,
    ...forms,
    seen.length === 0 ? '' : `See ${seen.join(', ')}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function linkOf(name, links) {
  const target = links.to(name);
  return target === undefined ? [] : [`[\`${name}\`](${target})`];
}

/** One variant of a type, identified by its first field. */
function formatVariant({ value }, hasOthers, links) {
  const [first, ...rest] = membersOf(value);
  if (!hasOthers || first.tsType.kind !== 'literal') return tableOf(membersOf(value), links);
  const head =
    `**\`${memberText({ ...first, readonly: false })}\`** ${formatDoc(first.jsDoc?.doc ?? '', links)}`.replaceAll(
      '\n',
      ' ',
    );
  return rest.length === 0 ? head : `${head}\n\n${tableOf(rest, links)}`;
}

function isDocumented({ value }) {
  return membersOf(value).some(({ jsDoc }) => jsDoc !== undefined);
}

/** A table of the properties of an interface or class, and of the methods of an interface. */
export function formatFields({ kind, def }, links) {
  const members = membersOf(def).filter(({ is }) => kind === 'interface' || is !== 'method');
  return members.length === 0 ? '' : tableOf(members, links);
}

function tableOf(members, links) {
  return `| Field | Type | Meaning |\n|---|---|---|\n${members.flatMap((one) => rowsOf(one, '', links)).join('\n')}`;
}

/** The row of a field, and rows for documented fields within it. */
function rowsOf(member, before, links) {
  const { name, optional, tsType, jsDoc, is, params = [] } = member;
  const inner = is === 'method' ? [] : innerLiterals(tsType, '');
  const label = is === 'index' ? `${before}[${params[0]?.name ?? 'name'}]` : `${before}${name}`;
  const type =
    is === 'method'
      ? formatType(memberText({ ...member, readonly: false }).replace(name, ''), member, links)
      : formatType(shortText(tsType, inner.length > 0), tsType, links);
  const row = `| \`${label}${optional ? '?' : ''}\` | ${type} | ${cell(jsDoc?.doc ?? '', links)} |`;
  const below = inner.flatMap(({ literal, suffix }) =>
    membersOf(literal.value).flatMap((one) => rowsOf(one, `${label}${suffix}.`, links)),
  );
  return [row, ...below];
}

/** Documented literal types within a type, with the path to them: `[]` of a list, `.*` of a map. */
function innerLiterals(type, suffix) {
  const { kind, value } = type;
  switch (kind) {
    case 'typeLiteral':
      return isDocumented(type) ? [{ literal: type, suffix }] : [];
    case 'union':
      return value.flatMap((one) => innerLiterals(one, suffix));
    case 'parenthesized':
      return innerLiterals(value, suffix);
    case 'array':
      return innerLiterals(value, `${suffix}[]`);
    case 'typeOperator':
      return innerLiterals(value.tsType, suffix);
    case 'typeRef':
      return (value.typeParams ?? []).flatMap((one) =>
        innerLiterals(one, value.typeName === 'Readonly' ? suffix : `${suffix}.*`),
      );
    default:
      return [];
  }
}

/** A type without `readonly`; literals that have their own rows, or that are long, are abbreviated. */
function shortText(type, hasRows) {
  const text = typeText(type).replaceAll('readonly ', '');
  if (!hasRows) return text;
  return text.replaceAll(/\{ (?:[^{}]|\{[^{}]*\})* \}/g, (literal) =>
    hasRows || literal.length > SHOWN ? '{ … }' : literal,
  );
}

/** Code with links for names of bake-ts. */
function formatType(text, type, links) {
  const names = [...namesIn(type)].filter((name) => links.to(name) !== undefined);
  const parts =
    names.length === 0 ? [text] : text.split(new RegExp(`(?<![\\w'])(${names.join('|')})(?![\\w'])`));
  return parts
    .map((part, at) => {
      if (at % 2 === 1) return `[\`${part}\`](${links.to(part)})`;
      const [, before, word, after] = /^(\s*)([\s\S]*?)(\s*)$/.exec(part) ?? [];
      return word === '' ? part : `${before}\`${word.replaceAll('|', '\\|')}\`${after}`;
    })
    .join('');
}

function cell(text, links) {
  return formatDoc(text, links)
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|');
}

/** The names of extended interfaces. */
function formatBases({ extends: bases = [] }, links) {
  const lines = bases.map((base) => {
    const { typeName, typeParams = [] } = base.value;
    const isPart = typeName === 'Pick' || typeName === 'Omit';
    const source = isPart ? typeParams[0].value.typeName : typeName;
    const keys = isPart
      ? [typeParams[1]]
          .flatMap((one) => (one.kind === 'union' ? one.value : [one]))
          .map(({ value }) => `\`${value.string}\``)
      : [];
    const link = linkOf(source, links)[0] ?? `\`${source}\``;
    if (typeName === 'Pick') return `- of ${link}: ${keys.join(', ')}`;
    if (typeName === 'Omit') return `- those of ${link}, but not ${keys.join(', ')}`;
    return `- those of ${link}${inheritedNames(source)}`;
  });
  return lines.length === 0 ? '' : `And the fields\n\n${lines.join('\n')}`;
}

let interfaces = new Map();

/** Sets the known interfaces, so that inherited fields can be named. */
export function setInterfaces(symbols) {
  interfaces = new Map(
    symbols.filter(({ kind }) => kind === 'interface').map((symbol) => [symbol.name, symbol]),
  );
}

function inheritedNames(name) {
  const names = fieldNames(name);
  return names.length === 0 ? '' : `: ${names.map((one) => `\`${one}\``).join(', ')}`;
}

/** Own fields first, then inherited ones. */
function fieldNames(name) {
  const { def } = interfaces.get(name) ?? {};
  if (def === undefined) return [];
  const own = membersOf(def).map((one) => one.name);
  return [...own, ...(def.extends ?? []).flatMap((base) => fieldNames(base.value.typeName))];
}

/** Values of a union of strings, with the comment of each: deno doc omits those. */
function readValues({ name, def, file, line }) {
  if (def.tsType.kind !== 'union' || def.tsType.value.some(({ kind }) => kind !== 'literal'))
    return undefined;
  const source = readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .slice(line - 1)
    .join('\n');
  const declaration = source.slice(source.indexOf(`type ${name} =`)).split(';\n', 1)[0];
  const found = [...declaration.matchAll(/(?:\/\*\*([\s\S]*?)\*\/\s*)\|\s*'([^']+)'/g)];
  const docs = new Map(found.map(([, doc, value]) => [value, doc.replaceAll(/\n\s*\* ?/g, ' ').trim()]));
  return docs.size === 0
    ? undefined
    : def.tsType.value.map(({ value }) => [value.string, docs.get(value.string) ?? '']);
}
