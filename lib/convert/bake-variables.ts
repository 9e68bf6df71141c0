/** Converts variables and top-level attributes of bake files to variables. */
import type { BodyAttribute, Expression } from '../hcl/mod.ts';
import type { Json } from '../model/mod.ts';
import { attributeOf, type BakeImport, LOCAL_PLATFORM } from './bake-context.ts';
import { type BakeBlock, sourceOf } from './bake-file.ts';
import { readRules } from './bake-validation.ts';
import { literalOf, Untranslatable } from './cel-text.ts';
import { type Declared, readDeclared } from './declared-type.ts';
import { addNote, isRecord } from './draft.ts';
import { mentions } from './hcl-cel.ts';
import { readValue } from './hcl-value.ts';
import type { Marked } from './marks.ts';
import type { StaticType } from './static-type.ts';
import { schemaOf, structureOf, withoutOthers } from './type-schema.ts';
import { pathTo, readValueComments, type ValueComments } from './value-comments.ts';

/** bake's value of a variable that cannot be expressed. */
export type ValueOf = (variable: string) => Json | undefined;

/** Adds all variables in the order of the file. */
export function addVariables(context: BakeImport, evaluated: ValueOf): void {
  const { files } = context;
  // A top-level attribute takes precedence over a default, and the environment over both.
  const variables = [...files.variables.values()].filter(({ name }) => !files.values.has(name));
  const all = [
    ...variables.map((block) => ({
      place: block.place,
      add: () => addVariable(block, context, evaluated),
    })),
    ...[...files.values].map(([name, { attribute, place }]) => ({
      place,
      add: () => addValue(name, attribute, context, evaluated),
    })),
  ];
  for (const { add } of all.sort((a, b) => a.place - b.place)) add();
}

function addVariable(block: BakeBlock, context: BakeImport, evaluated: ValueOf): void {
  const { name } = block;
  const fitted = context.variables.get(name) ?? name;
  const typeExpression = attributeOf(block, 'type');
  const declared = typeExpression === undefined ? undefined : readDeclared(typeExpression);
  const written = attributeOf(block, 'default');
  const comments = [...block.comments.above];
  const structure = typeExpression === undefined ? undefined : structureOf(typeExpression);
  const read = defaultOf(written, declared, { name, comments, context, evaluated });
  const value = structure === undefined ? read : withoutOthers(read, structure);
  const map: Record<string, Json> = {};
  const type = typeWord(value, declared, context.typeOf(name));
  // The type of the variable applies to it.
  if (structure !== undefined) map['schema'] = schemaOf(structure, value ?? []);
  else if (type !== undefined) map['type'] = type;
  if (value === null) map['optional'] = true;
  else map['default'] = context.marks.expand(value);
  const isComplex = declared?.type.kind === 'list' || declared?.type.kind === 'map';
  // bake reads JSON from a variable of this name first.
  if (isComplex) map['env'] = [`${name}_JSON`, name];
  else if (fitted !== name) map['env'] = [name];
  const rules = readRules(block, context, (text, why) => {
    comments.push(`Not converted: ${text}`);
    addNote(context.draft, `${why}: ${text}`, `variable ${name}`);
  });
  const description = attributeOf(block, 'description');
  const words = description === undefined ? rules.message : plainText(description, context);
  if (words !== undefined) map['description'] = words;
  else if (description !== undefined) comments.push('Its description is computed.');
  if (description !== undefined && rules.message !== undefined) comments.push(rules.message);
  Object.assign(map, rules.keys);
  if (rules.keys['required'] === true && map['default'] === '') delete map['default'];
  for (const { comments: own } of block.attributes) comments.push(...own.above);
  const remark = [block.comments.behind, ...block.attributes.map((one) => one.comments.behind)].find(
    (one) => one !== undefined,
  );
  const short = shorten(map);
  const inside = insideOf(written, short);
  context.draft.variables.push({
    name: fitted,
    value: short,
    comments,
    ...(inside === undefined ? {} : { inside }),
    ...(remark === undefined ? {} : { remark }),
  });
}

/** A top-level attribute cannot be set from outside. */
function addValue(name: string, attribute: BodyAttribute, context: BakeImport, evaluated: ValueOf): void {
  const comments = [...attribute.comments.above];
  const value = defaultOf(attribute.value, undefined, { name, comments, context, evaluated });
  const type = typeWord(value, undefined, context.typeOf(name));
  const { behind } = attribute.comments;
  const fitted = context.variables.get(name) ?? name;
  const map: Record<string, Json> = {
    ...(type === undefined ? {} : { type }),
    default: context.marks.expand(value ?? context.marks.mark(literalOf(null))),
    env: !context.files.variables.has(name) ? false : fitted === name ? null : [name],
  };
  if (map['env'] === null) delete map['env'];
  const inside = insideOf(attribute.value, map);
  context.draft.variables.push({
    name: fitted,
    value: shorten(map),
    comments,
    ...(inside === undefined ? {} : { inside }),
    ...(behind === undefined ? {} : { remark: behind }),
  });
}

/** Comments inside a default that is a literal list or map. */
function insideOf(written: Expression | undefined, value: Json): ValueComments | undefined {
  if (written === undefined) return undefined;
  const inside = readValueComments(written);
  const isBare = Array.isArray(value);
  const here = isBare ? value : isRecord(value) ? value['default'] : undefined;
  const isAlike =
    (written.kind === 'tuple' && Array.isArray(here) && here.length === written.items.length) ||
    (written.kind === 'object' && isRecord(here));
  if (inside.size === 0 || !isAlike) return undefined;
  return isBare
    ? inside
    : new Map([...inside].map(([path, comments]) => [pathTo('default', path), comments]));
}

interface Default {
  readonly name: string;
  readonly comments: string[];
  readonly context: BakeImport;
  readonly evaluated: ValueOf;
}

/** The default; null: there is none, and the variable is null if it is not set. */
function defaultOf(
  written: Expression | undefined,
  declared: Declared | undefined,
  { name, comments, context, evaluated }: Default,
): Marked {
  if (written === undefined) return declared === undefined ? '' : null;
  if (isLocalPlatform(written) && isOnlyInPlatforms(name, context)) return 'local';
  const known = declared?.isSet === true ? evaluated(name) : undefined;
  // The type sorts: the value differs from what is written.
  if (known !== undefined && known !== null) return known as Marked;
  try {
    const value = readValue(written, {
      w: context.writing(),
      marks: context.marks,
      isLoose: false,
      isFlat: false,
    });
    return value === null ? null : fitDefault(value, declared);
  } catch (thrown) {
    if (!(thrown instanceof Untranslatable)) throw thrown;
    const text = sourceOf(written);
    const fallback = evaluated(name);
    comments.push(fallback === undefined ? `Not converted: ${text}` : `In the bake file: ${text}`);
    const what = fallback === undefined ? '' : '; replaced by its value';
    addNote(context.draft, `${thrown.message}${what}: ${text}`, `variable ${name}`);
    return (fallback ?? null) as Marked;
  }
}

/** The machine's platform, including Docker Desktop's. */
function isLocalPlatform(expression: Expression): boolean {
  if (expression.kind === 'template') {
    const [first] = expression.parts;
    if (expression.parts.length !== 1 || first === undefined) return false;
    return first.kind === 'interpolation' && isLocalPlatform(first.value);
  }
  if (expression.kind === 'call' && expression.name === 'regex_replace') {
    const [text, from, to] = expression.args;
    const isOfDesktop = [from, to].map((one) => (one === undefined ? '' : sourceOf(one))).join(' → ');
    return text !== undefined && isLocalPlatform(text) && /^"\^\(?darwin\)?" → "linux"$/.test(isOfDesktop);
  }
  return expression.kind === 'variable' && expression.name === LOCAL_PLATFORM;
}

/** BuildKit's keyword for its own platform is only valid in `platforms`. */
function isOnlyInPlatforms(variable: string, { files }: BakeImport): boolean {
  const { targets, variables, functions, groups, values } = files;
  const blocks = [
    ...targets.values(),
    [...variables.values()],
    [...functions.values()],
    [...groups.values()],
  ].flat();
  const attributes = blocks.flatMap((block) => [...block.attributes, ...block.validations.flat()]);
  const others = [...attributes, ...[...values.values()].map(({ attribute }) => attribute)]
    .filter(({ name }) => name !== 'platforms')
    .map(({ value }) => value);
  return !mentions(others, variable);
}

function fitDefault(value: Marked, declared: Declared | undefined): Marked {
  if (declared?.type.kind === 'text' && (typeof value === 'number' || typeof value === 'boolean'))
    return String(value);
  if (typeof value === 'string' && declared?.type.kind === 'bool' && /^(?:true|false)$/.test(value))
    return value === 'true';
  if (typeof value === 'string' && declared?.type.kind === 'number' && /^-?[0-9]+$/.test(value))
    return Number(value);
  return value;
}

const WORDS: Partial<Record<StaticType['kind'], string>> = {
  bool: 'bool',
  number: 'number',
  list: 'list',
  map: 'map',
};

/** The type, if the default does not determine it. */
function typeWord(value: Marked, declared: Declared | undefined, found: StaticType): string | undefined {
  const word =
    WORDS[declared === undefined || declared.type.kind === 'any' ? found.kind : declared.type.kind];
  const isTold =
    word === undefined ||
    (word === 'bool' && typeof value === 'boolean') ||
    (word === 'number' && typeof value === 'number' && Number.isInteger(value)) ||
    (word === 'list' && Array.isArray(value)) ||
    (word === 'map' && isRecord(value));
  if (word === 'list' && declared !== undefined && Array.isArray(value)) return 'list';
  return isTold ? undefined : word;
}

function plainText(expression: Expression, context: BakeImport): string | undefined {
  try {
    const value = readValue(expression, {
      w: context.writing(),
      marks: context.marks,
      isLoose: false,
      isFlat: false,
    });
    return typeof value === 'string' && !context.marks.isMarked(value)
      ? String(context.marks.expand(value))
      : undefined;
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

/** The plain default if there are no other keys. */
function shorten(map: Readonly<Record<string, Json>>): Json {
  const { default: value = null, ...rest } = map;
  return Object.keys(rest).length === 0 && !isRecord(value) ? value : map;
}
