/**
 * Variables: where each value comes from (flag, file, environment, default), its type, and whether it is allowed.
 * A default is evaluated when somebody first asks for it, so that defaults may build on one another in any order.
 */
import schema from '../../schemas/builds.schema.json' with { type: 'json' };
import { type Json, problem, type Variable, type VariableOrigin } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import { toCel } from './cel.ts';
import { splitCsv } from './csv.ts';
import { AlreadyReported, type Evaluator, FAILED, type Scope } from './expression.ts';
import type { Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import { at, atKey, isNull, jsonText, type MapEntry, type MapNode, type Node, toJson } from './tree.ts';
import type { FileValue, VariableInputs } from './var-files.ts';

/** All variables, and `vars` as expressions see it. */
export interface Variables {
  readonly all: ReadonlyMap<string, Variable>;
  readonly scope: Readonly<Record<string, unknown>>;
}

type VariableType = 'string' | 'bool' | 'int' | 'number' | 'list' | 'map';

/** A declaration, its files merged: later keys win, a later bare value replaces the default only. */
interface Declaration {
  readonly name: string;
  readonly map: MapNode;
  readonly entry: MapEntry;
  readonly keys: ReadonlyMap<string, Node>;
}

/** Gives every variable its value. All values are computed, so that every problem shows in one go. */
export function resolveVariables(
  merged: Merged,
  inputs: VariableInputs,
  fileValues: ReadonlyMap<string, FileValue>,
  outerScope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): Variables {
  const declarations = new Map<string, Declaration>();
  for (const [name, layers] of merged.variables) declarations.set(name, declare(name, layers));
  for (const name of inputs.vars?.keys() ?? []) {
    if (declarations.has(name)) continue;
    const near = suggest(name, declarations.keys());
    problems.add(
      problem('config/unknown-variable', `--var sets "${name}", which no builds file declares`, {
        hint: near === undefined ? `Declare it: vars: { ${name}: … }.` : `Did you mean "${near}"?`,
      }),
    );
  }

  const all = new Map<string, Variable>();
  const failed = new Set<string>();
  const open: string[] = [];
  const scope = Object.create(null) as Record<string, unknown>;

  function valueOfVariable(declaration: Declaration): unknown {
    const { name } = declaration;
    if (failed.has(name)) throw new AlreadyReported();
    if (open.includes(name)) {
      const ring = [...open.slice(open.indexOf(name)), name];
      for (const one of ring) failed.add(one);
      problems.add(
        problem('config/variable-cycle', `Variables need one another in a ring: ${ring.join(' → ')}`, {
          hint: 'Give one of them a value that does not depend on the others.',
          ...atKey(declaration.map, declaration.entry),
        }),
      );
      throw new AlreadyReported();
    }
    if (isMisshapen(declaration)) {
      failed.add(name);
      throw new AlreadyReported();
    }
    open.push(name);
    const variable = resolveOne(
      declaration,
      inputs,
      fileValues,
      { ...outerScope, vars: scope },
      evaluator,
      problems,
    );
    open.pop();
    if (variable === undefined) {
      failed.add(name);
      throw new AlreadyReported();
    }
    all.set(name, variable);
    const value = toCel(variable.value);
    Object.defineProperty(scope, name, { value, enumerable: true });
    return value;
  }

  for (const declaration of declarations.values()) {
    Object.defineProperty(scope, declaration.name, {
      enumerable: true,
      configurable: true,
      get: () => valueOfVariable(declaration),
    });
  }
  for (const declaration of declarations.values()) {
    if (all.has(declaration.name) || failed.has(declaration.name)) continue;
    try {
      valueOfVariable(declaration);
    } catch (thrown) {
      if (!(thrown instanceof AlreadyReported)) throw thrown;
    }
  }
  const ordered = new Map<string, Variable>();
  for (const name of declarations.keys()) {
    const variable = all.get(name);
    if (variable !== undefined) ordered.set(name, variable);
  }
  return { all: ordered, scope };
}

const { properties } = schema.$defs.var;
const TYPES: ReadonlySet<string> = new Set(properties.type.enum);
const KEYS: ReadonlySet<string> = new Set(Object.keys(properties));

/** Whether the schema has found fault with it: what would be said of its value follows from that. */
function isMisshapen({ keys }: Declaration): boolean {
  const type = textOf(keys.get('type'));
  const check = textOf(keys.get('check'));
  return (
    [...keys.keys()].some((key) => !KEYS.has(key)) ||
    (type !== undefined && !TYPES.has(type)) ||
    (check !== undefined && !check.includes('${{'))
  );
}

function declare(
  name: string,
  layers: readonly { readonly map: MapNode; readonly entry: MapEntry }[],
): Declaration {
  const keys = new Map<string, Node>();
  let last = layers[0];
  for (const layer of layers) {
    last = layer;
    const { value } = layer.entry;
    if (value.kind !== 'map') {
      if (!isNull(value)) keys.set('default', value);
      continue;
    }
    for (const [key, entry] of value.entries) {
      if (!isNull(entry.value)) keys.set(key, entry.value);
    }
  }
  const { map, entry } = last as { readonly map: MapNode; readonly entry: MapEntry };
  return { name, map, entry, keys };
}

interface Found {
  readonly origin: VariableOrigin;
  /** Text from outside, still to be read as the variable's type. */
  readonly text?: string;
  readonly value?: Json;
}

function resolveOne(
  declaration: Declaration,
  inputs: VariableInputs,
  fileValues: ReadonlyMap<string, FileValue>,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): Variable | undefined {
  const { name, keys, map, entry } = declaration;
  const place = atKey(map, entry);
  const defaultNode = keys.get('default');
  const type = typeOf(declaration);
  const description = textOf(keys.get('description'));
  const sensitive = isTrue(keys.get('sensitive'));
  const found = fromOutside(declaration, inputs, fileValues, type);

  let value: Json;
  let origin: VariableOrigin;
  if (found === undefined) {
    if (defaultNode === undefined && isTrue(keys.get('required'))) {
      const names = envNames(declaration);
      const viaEnv = names.length === 0 ? '' : `, or ${names.join(' or ')} in the environment`;
      problems.add(
        problem(
          'config/required-variable',
          `${name} must be set${description === undefined ? '' : ` (${description})`}`,
          {
            hint: `Set it with --var ${name}=…${viaEnv}.`,
            ...place,
          },
        ),
      );
      return undefined;
    }
    const evaluated = defaultNode === undefined ? emptyOf(type) : evaluator.tree(defaultNode, scope);
    if (evaluated === FAILED) return undefined;
    const fitted = keys.has('type') ? fit(evaluated, type) : evaluated;
    if (fitted === undefined) {
      problems.add(
        problem('config/variable-value', `The default of ${name} is not ${typeWords(type)}`, {
          hint: 'Change the default or the type.',
          ...(defaultNode === undefined ? place : at(defaultNode)),
        }),
      );
      return undefined;
    }
    value = fitted;
    const spanned = defaultNode === undefined ? place : at(defaultNode);
    origin = { kind: 'default', ...(spanned.span === undefined ? {} : { span: spanned.span }) };
  } else {
    const read = found.text === undefined ? fit(found.value ?? null, type) : readAs(found.text, type);
    if (read === undefined) {
      const shown = sensitive ? '' : ` "${shorten(found.text ?? JSON.stringify(found.value))}"`;
      problems.add(
        problem(
          'config/variable-value',
          `${name} from ${originWords(found.origin)} is not ${typeWords(type)}${shown === '' ? '' : `:${shown}`}`,
          {
            hint: typeHint(type),
            ...place,
          },
        ),
      );
      return undefined;
    }
    value = read;
    origin = found.origin;
  }
  const wrong = breaksRule(declaration, value, scope, evaluator);
  if (wrong !== undefined) {
    const shown = sensitive
      ? 'Its value'
      : `"${shorten(typeof value === 'string' ? value : JSON.stringify(value))}"`;
    problems.add(
      problem('config/variable-value', `${shown} is not allowed for ${name}: ${wrong.rule}`, {
        hint: `It comes from ${originWords(origin)}.${description === undefined ? '' : ` ${name}: ${description}`}`,
        ...wrong.place,
      }),
    );
    return undefined;
  }
  return { name, value, origin, sensitive, ...(description === undefined ? {} : { description }) };
}

function shorten(text: string | undefined): string {
  const shown = text ?? '';
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}

function fromOutside(
  declaration: Declaration,
  inputs: VariableInputs,
  fileValues: ReadonlyMap<string, FileValue>,
  type: VariableType,
): Found | undefined {
  const { name } = declaration;
  const flag = inputs.vars?.get(name);
  if (flag !== undefined) return { origin: { kind: 'flag' }, text: flag };
  const file = fileValues.get(name);
  if (file !== undefined) {
    const origin: VariableOrigin = { kind: 'file', path: file.path };
    return typeof file.value === 'string' ? { origin, text: file.value } : { origin, value: file.value };
  }
  for (const variable of envNames(declaration)) {
    const text = inputs.env[variable];
    // Empty is a value for text and lists, and none for the rest or where one is required: CI systems set what they do not know to "".
    // Not every name is the environment's own: `__proto__` is an object's.
    if (typeof text !== 'string') continue;
    if (text === '' && ((type !== 'string' && type !== 'list') || isTrue(declaration.keys.get('required'))))
      continue;
    return { origin: { kind: 'env', variable }, text };
  }
  return undefined;
}

function envNames(declaration: Declaration): readonly string[] {
  const node = declaration.keys.get('env');
  if (node === undefined) return [declaration.name];
  const value = toJson(node);
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function typeOf(declaration: Declaration): VariableType {
  const written = textOf(declaration.keys.get('type'));
  if (written !== undefined) return written as VariableType;
  const node = declaration.keys.get('default');
  if (node === undefined) return 'string';
  if (node.kind !== 'scalar') return node.kind;
  const value = toJson(node);
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' ? 'int' : 'string';
}

function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined;
}

function isTrue(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.value === true;
}

function emptyOf(type: VariableType): Json {
  if (type === 'list') return [];
  if (type === 'map') return {};
  return type === 'string' ? '' : null;
}

/** Text from a flag, a file or the environment read as a type; undefined: it is none. */
function readAs(text: string, type: VariableType): Json | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      if (/^(?:true|t|1)$/i.test(text)) return true;
      return /^(?:false|f|0)$/i.test(text) ? false : undefined;
    case 'int':
      return /^[-+]?[0-9]+$/.test(text.trim()) && Number.isSafeInteger(Number(text))
        ? Number(text)
        : undefined;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'list': {
      if (text.trimStart().startsWith('[')) {
        const parsed = parseJson(text);
        return Array.isArray(parsed) ? parsed : undefined;
      }
      return text.trim() === '' ? [] : splitCsv(text)?.map((item) => item.trim());
    }
    case 'map': {
      if (text.trimStart().startsWith('{')) {
        const parsed = parseJson(text);
        return isMap(parsed) ? parsed : undefined;
      }
      const pairs = (splitCsv(text) ?? []).map((field) => /^\s*([^=]+?)\s*=(.*)$/s.exec(field));
      if (pairs.some((pair) => pair === null)) return undefined;
      return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
    }
  }
}

/** A value that is not text (from YAML or a default) as a type; undefined: it does not fit. */
function fit(value: Json, type: VariableType): Json | undefined {
  if (value === null) return null;
  if (type === 'string') return typeof value === 'object' ? undefined : String(value);
  if (type === 'list') return Array.isArray(value) ? value : undefined;
  if (type === 'map') return isMap(value) ? value : undefined;
  if (type === 'bool') return typeof value === 'boolean' ? value : undefined;
  if (typeof value === 'number') return type === 'number' || Number.isInteger(value) ? value : undefined;
  return typeof value === 'string' ? readAs(value, type) : undefined;
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function breaksRule(
  declaration: Declaration,
  value: Json,
  scope: Scope,
  evaluator: Evaluator,
): { readonly rule: string; readonly place: object } | undefined {
  const { keys } = declaration;
  const oneOf = keys.get('oneOf');
  if (oneOf?.kind === 'list') {
    const allowed = oneOf.items.map((item) => (item.kind === 'scalar' ? item.text : ''));
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (allowed.includes(jsonText(one))) continue;
      const near = suggest(jsonText(one), allowed);
      const meant = near === undefined ? '' : `; did you mean "${near}"?`;
      return { rule: `it must be one of ${allowed.join(', ')}${meant}`, place: at(oneOf) };
    }
  }
  const pattern = keys.get('pattern');
  if (pattern !== undefined) {
    const source = textOf(pattern) ?? '';
    let matcher: RegExp;
    try {
      matcher = new RegExp(`^(?:${source})$`);
    } catch {
      return { rule: `its pattern ${source} is not a regular expression`, place: at(pattern) };
    }
    const texts = Array.isArray(value) ? value : [value];
    if (!texts.every((one) => matcher.test(jsonText(one ?? '')))) {
      return { rule: `it must match ${source}`, place: at(pattern) };
    }
  }
  const size = typeof value === 'number' ? value : sizeOf(value);
  const measure = typeof value === 'number' ? 'it' : 'its length';
  for (const [key, word] of [
    ['minimum', 'at least'],
    ['maximum', 'at most'],
  ] as const) {
    const node = keys.get(key);
    if (node?.kind !== 'scalar' || typeof node.value !== 'number' || size === undefined) continue;
    const isOutside = key === 'minimum' ? size < node.value : size > node.value;
    if (isOutside) return { rule: `${measure} must be ${word} ${node.text}`, place: at(node) };
  }
  const check = keys.get('check');
  if (check?.kind === 'scalar') {
    const passed = evaluator.scalar(check, { ...scope, value: toCel(value) });
    if (passed === FAILED) return undefined;
    if (passed !== true) return { rule: `it does not pass its check ${check.text}`, place: at(check) };
  }
  return undefined;
}

function sizeOf(value: Json): number | undefined {
  if (typeof value === 'string') return value.length;
  return Array.isArray(value) ? value.length : undefined;
}

function typeWords(type: VariableType): string {
  const words: Readonly<Record<VariableType, string>> = {
    string: 'text',
    bool: 'true or false',
    int: 'an integer',
    number: 'a number',
    list: 'a list',
    map: 'a map',
  };
  return words[type];
}

function typeHint(type: VariableType): string {
  if (type === 'list') return 'Write a,b,c or a JSON array.';
  if (type === 'map') return 'Write a=1,b=2 or a JSON object.';
  if (type === 'int')
    return 'Its type is that of its default; quote the default for text, or give it a type.';
  return `It must be ${typeWords(type)}.`;
}

function originWords(origin: VariableOrigin): string {
  switch (origin.kind) {
    case 'flag':
      return '--var';
    case 'file':
      return origin.path;
    case 'env':
      return `the environment variable ${origin.variable}`;
    case 'default':
      return 'its default';
  }
}
