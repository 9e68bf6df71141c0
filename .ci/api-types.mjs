/**
 * The public surface from `deno doc --json`, and its types as text, for the report of the surface and the pages of
 * docs/api.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deno, root, run } from './support.mjs';

/** Longest line of a signature; longer ones are broken at unions, members and parameters. */
const WIDTH = 100;

/**
 * Everything that lib/mod.ts exports, by name.
 *
 * @returns {Promise<{ moduleDoc: string, symbols: readonly object[] }>}
 */
export async function readSurface() {
  const { code, stdout, output } = await run([deno, 'doc', '--json', 'lib/mod.ts'], {
    show: 'never',
    env: { NO_COLOR: '1' },
  });
  if (code !== 0) throw new Error(output);
  const [{ module_doc, symbols }] = Object.values(JSON.parse(stdout).nodes);
  const values = readValueNames();
  const read = symbols.map(({ name, declarations: [{ kind, def, jsDoc = {}, location }] }) => ({
    name,
    kind,
    def,
    doc: jsDoc.doc ?? '',
    tags: jsDoc.tags ?? [],
    file: path.relative(root, fileURLToPath(location.filename)).replaceAll(path.sep, '/'),
    line: location.line,
    // A class that is exported as a type can be named and used, but not created or extended.
    isType: !values.has(name),
  }));
  return {
    moduleDoc: module_doc.doc,
    symbols: read.sort((one, other) => compareText(one.name, other.name)),
  };
}

/** Names that lib/mod.ts exports as values. A test ensures that it lists them one by one. */
function readValueNames() {
  const code = readFileSync(path.join(root, 'lib/mod.ts'), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const lists = [...code.matchAll(/export\s+\{([^}]*)\}/g)].flatMap(([, list]) => list.split(','));
  return new Set(lists.map((item) => item.trim()).filter((item) => item !== '' && !item.startsWith('type ')));
}

export function compareText(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** A type on one line. */
export function typeText(type) {
  if (type === undefined || type === null) return 'unknown';
  const { kind, value } = type;
  switch (kind) {
    case 'keyword':
      return value;
    case 'literal':
      return literalText(type);
    case 'typeRef':
      return `${value.typeName}${argumentsText(value.typeParams)}`;
    case 'array':
      return `${inParentheses(value)}[]`;
    case 'typeOperator':
      return `${value.operator} ${typeText(value.tsType)}`;
    case 'parenthesized':
      return `(${typeText(value)})`;
    case 'union':
      return value.map(typeText).join(' | ');
    case 'intersection':
      return value.map(inParentheses).join(' & ');
    case 'indexedAccess':
      return `${typeText(value.objType)}[${typeText(value.indexType)}]`;
    case 'fnOrConstructor':
      return `(${value.params.map(paramText).join(', ')}) => ${typeText(value.tsType)}`;
    case 'typeLiteral': {
      const members = membersOf(value).map(memberText);
      return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`;
    }
    default:
      throw new Error(`deno doc has a kind of type that .ci/api-types.mjs does not know: ${kind}`);
  }
}

function literalText({ value }) {
  if (value.kind === 'string') return `'${value.string}'`;
  return value.kind === 'template' ? templateText(value.tsTypes) : String(value[value.kind]);
}

/** The text of a template and its types, alternating. */
function templateText(parts) {
  const inner = parts.map((part) => (part.kind === 'literal' ? part.value.string : `\${${typeText(part)}}`));
  return `\`${inner.join('')}\``;
}

function inParentheses(type) {
  return type.kind === 'union' || type.kind === 'fnOrConstructor' ? `(${typeText(type)})` : typeText(type);
}

function argumentsText(types = []) {
  return types.length === 0 ? '' : `<${types.map(typeText).join(', ')}>`;
}

/** The type parameters of a declaration. */
export function parametersText(types = []) {
  const one = ({ name, constraint, default: fallback }) =>
    `${name}${constraint === undefined ? '' : ` extends ${typeText(constraint)}`}${fallback === undefined ? '' : ` = ${typeText(fallback)}`}`;
  return types.length === 0 ? '' : `<${types.map(one).join(', ')}>`;
}

/** A parameter; one with a default is optional. */
export function paramText(param) {
  switch (param.kind) {
    case 'assign':
      return paramText({ ...param.left, optional: true });
    case 'rest':
      return `...${param.arg.name}: ${typeText(param.tsType)}`;
    case 'object': {
      // Destructured, so its type describes it best.
      const name = typeText(param.tsType);
      return `${name[0].toLowerCase()}${name.slice(1)}: ${name}`;
    }
    default:
      return `${param.name}${param.optional ? '?' : ''}: ${typeText(param.tsType)}`;
  }
}

/** Members of an interface, a class or a type literal: properties, methods, signatures. */
export function membersOf({ properties = [], methods = [], callSignatures = [], indexSignatures = [] }) {
  if (callSignatures.length > 0) throw new Error('a call signature, which .ci/api-types.mjs does not know');
  return [
    ...properties.map((one) => ({ ...one, is: 'property' })),
    ...methods.map(({ functionDef, ...one }) => ({ ...one, ...functionDef, is: 'method' })),
    ...indexSignatures.map((one) => ({ ...one, is: 'index' })),
  ];
}

/** A member on one line, without its end. */
export function memberText(member) {
  const { name, readonly, optional, tsType, params = [], returnType, typeParams, is } = member;
  const modifier = readonly ? 'readonly ' : '';
  const mark = optional ? '?' : '';
  const key = /^[\w$]+$/.test(name ?? '') ? name : `'${name}'`;
  if (is === 'index') return `${modifier}[${params.map(paramText).join(', ')}]: ${typeText(tsType)}`;
  if (is === 'method') {
    return `${key}${mark}${parametersText(typeParams)}(${params.map(paramText).join(', ')}): ${typeText(returnType)}`;
  }
  return `${modifier}${key}${mark}: ${typeText(tsType)}`;
}

/** A member, on several lines if it is too long for one. */
export function memberLines(member, indent) {
  if (member.is === 'method') return [`${indent}${memberText(member)};`];
  const head = memberText({ ...member, tsType: { kind: 'keyword', value: '' } }).trimEnd();
  return fit(`${indent}${head}`, member.tsType, indent, ';');
}

/** `HEAD TYPE TAIL`, on several lines if it is too long for one; `indent` is that of the first line. */
function fit(head, type, indent, tail) {
  const one = `${head} ${typeText(type)}${tail}`;
  if (one.length <= WIDTH) return [one];
  const [first, ...rest] = brokenLines(type, indent);
  const lines = [first === '' ? head : `${head} ${first}`, ...rest];
  return [...lines.slice(0, -1), `${lines.at(-1)}${tail}`];
}

/** A type on several lines, the first one without indent; one line if it cannot be broken. */
function brokenLines(type, indent) {
  const { kind, value } = type;
  const deeper = `${indent}  `;
  switch (kind) {
    case 'typeLiteral':
      return ['{', ...membersOf(value).flatMap((member) => memberLines(member, deeper)), `${indent}}`];
    case 'union':
      return ['', ...value.flatMap((part) => fit(`${deeper}|`, part, `${deeper}  `, ''))];
    case 'intersection':
      return joinLines(
        value.map((part) => brokenLines(part, indent)),
        ' & ',
      );
    case 'typeOperator':
      return wrapLines(`${value.operator} `, brokenLines(value.tsType, indent), '');
    case 'array':
      return isUnion(value)
        ? wrapLines('(', [...brokenLines(value, indent), indent], ')[]')
        : wrapLines('', brokenLines(value, indent), '[]');
    case 'parenthesized':
      return wrapLines('(', [...brokenLines(value, indent), ...(isUnion(value) ? [indent] : [])], ')');
    case 'typeRef':
      return value.typeParams === undefined
        ? [typeText(type)]
        : wrapLines(
            `${value.typeName}<`,
            joinLines(
              value.typeParams.map((one) => (isLong(one) ? brokenLines(one, indent) : [typeText(one)])),
              ', ',
            ),
            '>',
          );
    default:
      return [typeText(type)];
  }
}

const isUnion = ({ kind }) => kind === 'union';
const isLong = (type) => typeText(type).length > WIDTH / 2;

function wrapLines(before, lines, after) {
  const wrapped = [`${before}${lines[0]}`, ...lines.slice(1)];
  return [...wrapped.slice(0, -1), `${wrapped.at(-1)}${after}`];
}

function joinLines(parts, between) {
  return parts.reduce((lines, [first, ...rest]) => [
    ...lines.slice(0, -1),
    `${lines.at(-1)}${between}${first}`,
    ...rest,
  ]);
}

/** Names of types that occur in a part of the surface. */
export function namesIn(part, found = new Set()) {
  if (Array.isArray(part)) for (const one of part) namesIn(one, found);
  else if (typeof part === 'object' && part !== null) {
    if (part.kind === 'typeRef') found.add(part.value.typeName);
    for (const one of Object.values(part)) namesIn(one, found);
  }
  return found;
}

/** A declaration as in source code, without bodies and comments. */
export function declarationLines({ name, kind, def, isType }) {
  switch (kind) {
    case 'function': {
      const { params, returnType, typeParams } = def;
      const head = `function ${name}${parametersText(typeParams)}`;
      const one = `${head}(${params.map(paramText).join(', ')}): ${typeText(returnType)};`;
      if (one.length <= WIDTH) return [one];
      return [`${head}(`, ...params.map((param) => `  ${paramText(param)},`), `): ${typeText(returnType)};`];
    }
    case 'variable':
      return [`const ${name}: ${typeText(def.tsType)};`];
    case 'typeAlias':
      return fit(`type ${name}${parametersText(def.typeParams)} =`, def.tsType, '', ';');
    case 'interface':
    case 'class': {
      const bases =
        kind === 'class'
          ? def.extends === undefined
            ? []
            : [def.extends]
          : (def.extends ?? []).map(typeText);
      const head = `${isType && kind === 'class' ? 'type ' : ''}${kind} ${name}${parametersText(def.typeParams)}`;
      const made = isType ? [] : (def.constructors ?? []);
      return [
        `${head}${bases.length === 0 ? '' : ` extends ${bases.join(', ')}`} {`,
        ...made.map(({ params }) => `  new (${params.map(paramText).join(', ')});`),
        ...membersOf(def).flatMap((member) => memberLines(member, '  ')),
        '}',
      ];
    }
    default:
      throw new Error(`deno doc has a kind of declaration that .ci/api-types.mjs does not know: ${kind}`);
  }
}
