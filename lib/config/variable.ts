/** One variable: its declaration, where its value comes from, and the value by the declared type and rules. */
import {
  allowOption,
  type Grants,
  type Json,
  notUntrusted,
  type Problem,
  problem,
  soundsSecret,
  type Variable,
  type VariableOrigin,
} from '../model/mod.ts';
import { option } from '../util/option-words.ts';
import { type Evaluator, FAILED, type Scope } from './expression.ts';
import type { Problems } from './problems.ts';
import type { VariableSchema } from './schema/check.ts';
import { at, atKey, isNull, type MapEntry, type MapNode, type Node, toJson } from './tree.ts';
import type { FileValue, VariableInputs } from './var-files.ts';
import { findBrokenRule } from './variable-rules.ts';
import {
  emptyOf,
  fit,
  hasEmptyValue,
  isVariableType,
  readAs,
  typeHint,
  typeWords,
  VARIABLE_KEYS,
  type VariableType,
} from './variable-types.ts';

/** A declaration, its files merged: later keys win, a later bare value replaces the default only. */
export interface Declaration {
  readonly name: string;
  readonly map: MapNode;
  readonly entry: MapEntry;
  readonly keys: ReadonlyMap<string, Node>;
}

/** Whether the schema has found fault with it: what would be said of its value follows from that. */
export function isMisshapen({ keys }: Declaration): boolean {
  const type = textOf(keys.get('type'));
  const check = textOf(keys.get('check'));
  return (
    [...keys.keys()].some((key) => !VARIABLE_KEYS.includes(key)) ||
    (type !== undefined && !isVariableType(type)) ||
    (keys.get('schema')?.kind ?? 'map') !== 'map' ||
    (check !== undefined && !check.includes('${{'))
  );
}

/** Merges what the files say of a variable. */
export function declare(
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

/** Values from outside, and how much of the environment may be seen. */
export interface VariableSources extends VariableInputs {
  readonly grants: Grants;
}

/** What the value of a variable is worked out from. */
export interface ValueSources {
  readonly inputs: VariableSources;
  readonly fileValues: ReadonlyMap<string, FileValue>;
  /** Undefined where the declaration has none, or one with a mistake. */
  readonly schema: VariableSchema | undefined;
  /** For expressions in defaults and checks. */
  readonly scope: Scope;
  readonly evaluator: Evaluator;
  readonly problems: Problems;
}

/** Works out a variable's value; undefined: what is wrong has been reported. */
export function resolveVariable(declaration: Declaration, sources: ValueSources): Variable | undefined {
  const { name, keys } = declaration;
  const { problems, schema } = sources;
  const type = typeOf(declaration, schema);
  const description = textOf(keys.get('description'));
  const sensitive = isTrue(keys.get('sensitive'));
  const isHidden = sensitive || [name, ...envNames(declaration)].some(soundsSecret);
  const given = givenValue(declaration, sources, type);
  const isMissing = given === undefined ? !keys.has('default') : given.text === '';
  if (isMissing && isTrue(keys.get('required'))) {
    problems.add(mustBeSet(declaration, description));
    return undefined;
  }
  const found =
    given === undefined
      ? defaultValue(declaration, sources, type)
      : readGiven(declaration, given, type, isHidden, problems);
  if (found === undefined) return undefined;
  const { origin } = found;
  const whole = Array.isArray(found.value)
    ? (found.value as readonly Json[]).filter((item) => item !== null)
    : found.value;
  const value = fitSchema(declaration, { ...found, value: whole }, sources, isHidden);
  if (value === undefined) return undefined;
  const broken = findBrokenRule(keys, value, sources.scope, sources.evaluator);
  if (broken !== undefined) {
    const shown = isHidden
      ? 'Its value'
      : `"${shorten(typeof value === 'string' ? value : JSON.stringify(value))}"`;
    problems.add(
      problem('config/variable-value', `${shown} is not allowed for ${name}: ${broken.rule}`, {
        hint: `It comes from ${originWords(origin)}.${description === undefined ? '' : ` ${name}: ${description}`}`,
        ...broken.location,
      }),
    );
    return undefined;
  }
  return { name, value, origin, sensitive, ...(description === undefined ? {} : { description }) };
}

/** The value as its schema has it; undefined: what is wrong with it, or with the schema, has been reported. */
function fitSchema(
  { keys }: Declaration,
  { value, origin, node }: FoundValue,
  { schema, evaluator, scope }: ValueSources,
  isHidden: boolean,
): Json | undefined {
  // An optional variable that nobody sets is null, whatever it would be.
  const isUnset = value === null && node === undefined && isTrue(keys.get('optional'));
  if (!keys.has('schema') || isUnset) return value;
  const isDefault = origin.kind === 'default';
  return schema?.check({
    value,
    origin,
    originWords: originWords(origin),
    isHidden,
    isSensitive: isTrue(keys.get('sensitive')),
    // Expressions in a file of values are text.
    ...(node === undefined
      ? {}
      : { written: { node, scope, evaluator: isDefault ? evaluator : { tree: toJson } } }),
  });
}

function mustBeSet(declaration: Declaration, description: string | undefined): Problem {
  const { name, map, entry } = declaration;
  const names = envNames(declaration);
  const viaEnv = names.length === 0 ? '' : `, or ${names.join(' or ')} in the environment`;
  const what = description === undefined ? '' : ` (${description})`;
  return problem('config/required-variable', `${name} must be set${what}`, {
    hint: `Set it with ${option(`--var ${name}=…`)}${viaEnv}.`,
    ...atKey(map, entry),
  });
}

interface FoundValue {
  readonly value: Json;
  readonly origin: VariableOrigin;
  /** What it was read from, where that is a tree. */
  readonly node?: Node | undefined;
}

function defaultValue(
  declaration: Declaration,
  { scope, evaluator, problems, schema }: ValueSources,
  type: VariableType,
): FoundValue | undefined {
  const { name, keys, map, entry } = declaration;
  const node = keys.get('default');
  const location = node === undefined ? atKey(map, entry) : at(node);
  const unset = isTrue(keys.get('optional')) ? null : emptyOf(type);
  const evaluated = node === undefined ? unset : evaluator.tree(node, scope);
  if (evaluated === FAILED) return undefined;
  const isTyped = keys.has('type') || schema?.type !== undefined;
  const value = isTyped ? fit(evaluated, type) : evaluated;
  if (value === undefined) {
    problems.add(
      problem('config/variable-value', `The default of ${name} is not ${typeWords(type)}`, {
        hint: 'Change the default or the type.',
        ...location,
      }),
    );
    return undefined;
  }
  return {
    value,
    node,
    origin: { kind: 'default', ...(location.span === undefined ? {} : { span: location.span }) },
  };
}

function readGiven(
  { name, map, entry }: Declaration,
  given: GivenValue,
  type: VariableType,
  sensitive: boolean,
  problems: Problems,
): FoundValue | undefined {
  const value = given.text === undefined ? fit(given.value ?? null, type) : readAs(given.text, type);
  if (value === undefined) {
    const shown = sensitive ? '' : `: "${shorten(given.text ?? JSON.stringify(given.value))}"`;
    problems.add(
      problem(
        'config/variable-value',
        `${name} from ${originWords(given.origin)} is not ${typeWords(type)}${shown}`,
        { hint: typeHint(type), ...atKey(map, entry) },
      ),
    );
    return undefined;
  }
  return { value, origin: given.origin, node: given.node };
}

/** A value that does not come from the builds files. */
interface GivenValue {
  readonly origin: VariableOrigin;
  /** Text from outside, still to be read as the variable's type. */
  readonly text?: string;
  readonly value?: Json;
  readonly node?: Node | undefined;
}

function givenValue(
  declaration: Declaration,
  { inputs, fileValues, problems }: ValueSources,
  type: VariableType,
): GivenValue | undefined {
  const { name } = declaration;
  const flag = inputs.vars?.get(name);
  if (flag !== undefined) return { origin: { kind: 'flag' }, text: flag };
  const file = fileValues.get(name);
  if (file !== undefined) {
    const origin: VariableOrigin = { kind: 'file', path: file.path };
    return typeof file.value === 'string'
      ? { origin, text: file.value }
      : { origin, value: file.value, node: file.node };
  }
  // CI systems set what they do not know to "": that is no value where a type has no empty one, or one is required.
  const takesEmpty = hasEmptyValue(type) && !isTrue(declaration.keys.get('required'));
  for (const variable of envNames(declaration)) {
    const text = inputs.env[variable];
    // Not every name is the environment's own: `__proto__` is an object's.
    if (typeof text !== 'string' || (text === '' && !takesEmpty)) continue;
    if (!isVisible(variable, text, inputs.grants)) {
      problems.add(withheld(declaration, variable));
      continue;
    }
    return { origin: { kind: 'env', variable }, text };
  }
  return undefined;
}

/** What else names of secrets have in them; of an untrusted file rather too many are withheld than too few. */
const SOUNDS_PRIVATE =
  /PWD|PRIVATE|COOKIE|SESSION|WEBHOOK|BEARER|SIGN|SALT|DSN|JWT|CERT|(?:^|_)(?:PAT|PW|URI|URL|DB|CONN|PROXY)(?:$|_)|_PROXY$|CONNECTION/i;
/** A user in an address. */
const HAS_USER = /:\/\/[^\s/]*@/;

/** An untrusted file could name any variable as one of its own; what sounds or looks like a secret is withheld. */
export function isVisible(variable: string, text: string, { untrusted, variables }: Grants): boolean {
  if (!untrusted || variables.includes(variable)) return true;
  return !soundsSecret(variable) && !SOUNDS_PRIVATE.test(variable) && !HAS_USER.test(text);
}

function withheld({ name, map, entry }: Declaration, variable: string): Problem {
  return notUntrusted(
    `${name} does not get the value of ${variable}: its name or value looks like a secret, and the file is untrusted`,
    `If that is meant, allow it: ${allowOption(`env:${variable}`)}`,
    { severity: 'warning', ...atKey(map, entry) },
  );
}

function shorten(text: string | undefined): string {
  const shown = text ?? '';
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}

function envNames(declaration: Declaration): readonly string[] {
  const node = declaration.keys.get('env');
  if (node === undefined) return [declaration.name];
  const value = toJson(node);
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function typeOf(declaration: Declaration, schema: VariableSchema | undefined): VariableType {
  const written = textOf(declaration.keys.get('type'));
  if (written !== undefined) return written as VariableType;
  if (schema?.type !== undefined) return schema.type;
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

function originWords(origin: VariableOrigin): string {
  switch (origin.kind) {
    case 'flag':
      return option('--var');
    case 'file':
      return origin.path;
    case 'env':
      return `the environment variable ${origin.variable}`;
    case 'default':
      return 'its default';
  }
}
