/** Converts targets of bake files to builds and templates. */
import type { Comments, Expression } from '../hcl/mod.ts';
import type { Json } from '../model/mod.ts';
import { constantOf, readAxes, withAxes } from './bake-axes.ts';
import type { BakeImport } from './bake-context.ts';
import { type BakeBlock, sourceOf } from './bake-file.ts';
import { Untranslatable } from './cel-text.ts';
import { addNote, asList, createBuild, type DraftBuild, isRecord, scalarText } from './draft.ts';
import { readValue } from './hcl-value.ts';
import type { Writing } from './hcl-writing.ts';
import { type Marked, readerOf } from './marks.ts';
import { convertTarget } from './target.ts';
import { readValueComments } from './value-comments.ts';

/** bake's values of a target's attribute for each row, for what cannot be expressed. */
export type TargetValuesOf = (target: string, attribute: string, entry?: string) => Marked | undefined;

/** Whether a parent may have set a key. */
export type Inherits = (target: string, key: string) => boolean;

/** Attributes of a parent that an attribute of a child replaces, and their names in builds.yaml. */
const NAMES_HERE: Readonly<Record<string, string>> = {
  inherits: 'extends',
  secret: 'secrets',
  output: 'outputs',
};

/** Lists in which duplicates and empty texts are ignored. */
const LOOSE: ReadonlySet<string> = new Set([
  'tags',
  'platforms',
  'cache-from',
  'cache-to',
  'no-cache-filter',
  'entitlements',
]);

/** Attributes that are converted unchanged, even from function calls. */
const OPEN_TO_CALLS: ReadonlySet<string> = new Set([
  'name',
  'description',
  'context',
  'dockerfile',
  'dockerfile-inline',
  'target',
  'args',
  'labels',
  'platforms',
  'tags',
  'cache-from',
  'cache-to',
  'no-cache-filter',
  'entitlements',
]);

/** Reads one target, which may be merged from several blocks. */
export function readTarget(
  name: string,
  blocks: readonly BakeBlock[],
  context: BakeImport,
  inherits: Inherits,
  valuesOf: TargetValuesOf,
): DraftBuild {
  const { draft, names, marks } = context;
  const build = createBuild(names.get(name) ?? name);
  const note = (sentence: string): void => {
    addNote(draft, sentence, build.name);
  };
  const axes = readAxes(blocks, context, note);
  const w = withAxes(context.writing, axes.types);
  let target: Readonly<Record<string, Marked>> = {};
  for (const block of blocks) {
    const read = readAttributes(block, { build, context, w, note, name, valuesOf });
    target = Object.keys(target).length === 0 ? read : mergeTargets(target, read);
    build.comments.push(...block.comments.above);
  }
  const parents = readParents(target['inherits'], context);
  if (parents.length > 0) build.keys.set('extends', parents.length === 1 ? (parents[0] ?? null) : parents);
  if (axes.matrix !== undefined) {
    build.keys.set('matrix', axes.matrix as Json);
    const rowName = scalarText(target['name']);
    if (rowName !== undefined) build.keys.set('name', rowName);
  }
  convertTarget(build, target, {
    ...readerOf(marks, note),
    nameOf: (other) => names.get(other) ?? other,
    mayInherit: true,
    inherits: (key) => inherits(name, key),
  });
  takeComments(blocks, build);
  expandAll(build, context);
  return build;
}

function expandAll(build: DraftBuild, { marks }: BakeImport): void {
  for (const [key, value] of build.keys) build.keys.set(key, marks.expand(value as Marked));
  for (const [at, line] of build.comments.entries()) {
    if (marks.isMarked(line)) build.comments[at] = String(marks.expand(line));
  }
}

interface AttributeReading {
  readonly name: string;
  readonly build: DraftBuild;
  readonly context: BakeImport;
  readonly w: () => Writing;
  readonly note: (sentence: string) => void;
  readonly valuesOf: TargetValuesOf;
}

function readAttributes(block: BakeBlock, reading: AttributeReading): Readonly<Record<string, Marked>> {
  const values: Record<string, Marked> = {};
  for (const { name, value } of block.attributes) {
    if (name === 'matrix') continue;
    const read = readAttribute(name, value, reading);
    if (read !== undefined) values[name] = read;
  }
  return values;
}

function readAttribute(
  attribute: string,
  expression: Expression,
  reading: AttributeReading,
): Marked | undefined {
  const { context, build, note, valuesOf, name } = reading;
  const inPlace = attribute === 'inherits' ? 'all' : 'value';
  const w = OPEN_TO_CALLS.has(attribute) ? reading.w : (): Writing => ({ ...reading.w(), inPlace });
  const at = { marks: context.marks, isLoose: LOOSE.has(attribute), isFlat: true };
  const instead = (written: Expression, why: string, entry?: string): Marked | undefined => {
    const text = sourceOf(written);
    const value = valuesOf(name, attribute, entry);
    build.comments.push(value === undefined ? `Not converted: ${text}` : `In the bake file: ${text}`);
    note(`${why}${value === undefined ? '' : '; replaced by its value'}: ${text}`);
    return value;
  };
  const written = attribute === 'platforms' ? withLocal(expression) : expression;
  try {
    return readValue(written, { ...at, w: w() });
  } catch (thrown) {
    if (!(thrown instanceof Untranslatable)) throw thrown;
    if (expression.kind !== 'object') return instead(expression, thrown.message);
  }
  const entries = expression.items.flatMap(({ key, value, ...rest }): [string, Marked][] => {
    try {
      return Object.entries(
        readValue({ ...expression, items: [{ key, value, ...rest }] }, { ...at, w: w() }) as Record<
          string,
          Marked
        >,
      );
    } catch (thrown) {
      if (!(thrown instanceof Untranslatable)) throw thrown;
      const word = key.kind === 'variable' ? key.name : constantOf(key, w());
      if (word === undefined) {
        instead(value, thrown.message);
        return [];
      }
      const known = instead(value, thrown.message, word);
      return known === undefined ? [] : [[word, known]];
    }
  });
  return Object.fromEntries(entries);
}

/** The machine's platform as a separate item is BuildKit's keyword `local`. */
function withLocal(expression: Expression): Expression {
  switch (expression.kind) {
    case 'variable':
      return expression.name === 'BAKE_LOCAL_PLATFORM' ? localPlatform(expression) : expression;
    case 'template': {
      const [first] = expression.parts;
      const inner =
        first?.kind === 'interpolation' && expression.parts.length === 1 ? first.value : undefined;
      return inner === undefined ? expression : withLocal(inner);
    }
    case 'tuple':
      return { ...expression, items: expression.items.map(withLocal) };
    case 'parentheses':
      return { ...expression, inner: withLocal(expression.inner) };
    case 'conditional':
      return { ...expression, yes: withLocal(expression.yes), no: withLocal(expression.no) };
    default:
      return expression;
  }
}

function localPlatform({ span }: Expression): Expression {
  return { kind: 'template', form: 'quoted', parts: [{ kind: 'text', value: 'local', span }], span };
}

/** Attributes that bake merges if a target is written twice (buildx bake/bake.go, `Target.Merge`); others are replaced. */
const MERGED_MAPS: ReadonlySet<string> = new Set(['args', 'labels', 'contexts', 'extra-hosts']);
const MERGED_LISTS: ReadonlySet<string> = new Set([
  'inherits',
  'annotations',
  'attest',
  'secret',
  'ssh',
  'cache-from',
  'no-cache-filter',
  'ulimits',
  'entitlements',
]);

function mergeTargets(
  below: Readonly<Record<string, Marked>>,
  over: Readonly<Record<string, Marked>>,
): Readonly<Record<string, Marked>> {
  const merged: Record<string, Marked> = { ...below };
  for (const [key, value] of Object.entries(over)) {
    const known = below[key];
    if (value === null) continue;
    if (MERGED_MAPS.has(key) && isRecord(known) && isRecord(value))
      merged[key] = { ...known, ...value } as Marked;
    else if (MERGED_LISTS.has(key) && Array.isArray(known) && Array.isArray(value))
      merged[key] = [...(known as readonly Marked[]), ...(value as readonly Marked[])];
    else merged[key] = value;
  }
  return merged;
}

function readParents(value: Marked | undefined, { names, marks }: BakeImport): readonly Json[] {
  const lone = marks.loneOf(value);
  if (lone !== undefined) return [value as string];
  return asList(value).flatMap((parent): Json[] => {
    const text = scalarText(parent);
    return text === undefined ? [] : [names.get(text) ?? text];
  });
}

/** Moves comments of attributes and inside their values to the converted keys. */
function takeComments(blocks: readonly BakeBlock[], build: DraftBuild): void {
  for (const { name, value, comments } of blocks.flatMap(({ attributes }) => attributes)) {
    const key = keyHere(name, build);
    place(build, key, comments);
    const inside = readValueComments(value);
    if (inside.size === 0) continue;
    const here = key === undefined ? undefined : build.keys.get(key);
    if (key !== undefined && isAlike(value, here)) build.inside.set(key, inside);
    else {
      const lines = [...inside.values()].flatMap(({ above, behind }) => [
        ...above,
        ...(behind === undefined ? [] : [behind]),
      ]);
      place(build, key, { above: lines });
    }
  }
}

/** Whether the converted value has the same entries or items. */
function isAlike(written: Expression, here: Json | undefined): boolean {
  if (written.kind === 'tuple') return Array.isArray(here) && here.length === written.items.length;
  return written.kind === 'object' && isRecord(here);
}

function keyHere(name: string, build: DraftBuild): string | undefined {
  const key = Object.hasOwn(NAMES_HERE, name) ? NAMES_HERE[name] : name;
  if (key !== undefined && build.keys.has(key)) return key;
  return name === 'output' && build.keys.has('push') ? 'push' : undefined;
}

/** Comments of removed attributes are put above the build. */
function place(build: DraftBuild, key: string | undefined, { above, behind }: Comments): void {
  if (key === undefined) {
    build.comments.push(...above, ...(behind === undefined ? [] : [behind]));
    return;
  }
  if (above.length > 0) build.keyComments.set(key, [...(build.keyComments.get(key) ?? []), ...above]);
  if (behind !== undefined) build.keyRemarks.set(key, behind);
}
