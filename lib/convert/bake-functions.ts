/**
 * Functions of bake files: long ones and those with many calls become functions of the builds file; short ones are
 * inlined. The types of parameters follow from all calls, so files are read repeatedly until nothing new is found.
 */
import type { Call, Expression } from '../hcl/mod.ts';
import type { Json } from '../model/mod.ts';
import type { BakeBlock } from './bake-file.ts';
import { isTaken, isTakenByValue, print, tight, Untranslatable, type Written } from './cel-text.ts';
import { type DraftFunction, isRecord } from './draft.ts';
import { write } from './hcl-cel.ts';
import { readValue } from './hcl-value.ts';
import type { FileFunction, Names, Writing } from './hcl-writing.ts';
import type { Marks } from './marks.ts';
import { type StaticType, union } from './static-type.ts';
import { readValueComments } from './value-comments.ts';

/** What earlier rounds have found. */
export interface FunctionMemory {
  /** Types of a function's parameters, over all its calls. */
  readonly types: Map<string, readonly StaticType[]>;
  /** Functions that are inlined. */
  readonly inlined: Set<string>;
  /** Whether this round found something that requires another one. */
  hasNews: boolean;
}

/** Nothing found yet. */
export function createFunctionMemory(): FunctionMemory {
  return { types: new Map(), inlined: new Set(), hasNews: false };
}

/** The functions of one round. */
export interface KeptFunctions {
  /** A call of a function that is kept; undefined: the call is inlined. */
  readonly call: (call: Call, w: Writing) => Written | undefined;
  /** Decides, once parameters are known, which functions are inlined. @returns whether there are new ones */
  readonly choose: () => boolean;
  /** The functions that the given texts call, directly or not, in the order of the file. */
  readonly drafts: (texts: string) => readonly DraftFunction[];
}

interface Kept {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly value: Json;
  readonly type: StaticType;
  /** Places of its calls. */
  readonly sites: Set<Expression['span']['start']>;
  /** By parameter: the longest argument. */
  readonly longest: number[];
}

/** Functions with shorter results are inlined, since these are as readable as a name. */
const MAX_SHORT = 44;
/** The same for functions with more than two calls. */
const MAX_SHORT_AND_FREQUENT = 30;
/** Maximum length of an inlined function that is called once. */
const MAX_ONCE = 100;
/** Arguments up to this length may be repeated. */
const MAX_REPEATED = 24;

/** Input for reading functions. */
export interface FunctionReading {
  readonly functions: ReadonlyMap<string, FileFunction>;
  readonly blocks: ReadonlyMap<string, BakeBlock>;
  /** State for writing expressions that use the names of the file. */
  readonly writing: () => Writing;
  readonly marks: Marks;
}

/** Creates the functions of one round. */
export function keepFunctions(
  { functions, blocks, writing, marks }: FunctionReading,
  memory: FunctionMemory,
): KeptFunctions {
  const names = fitFunctions(functions.keys());
  const written = new Map<string, Kept>();
  const open = new Set<string>();

  function call(one: Call, w: Writing): Written | undefined {
    const own = functions.get(one.name);
    if (own === undefined || w.inPlace === 'all' || memory.inlined.has(one.name)) return undefined;
    const args = argumentsOf(own, one, w);
    if (args === undefined) return undefined;
    learn(one.name, args);
    const kept = bodyOf(one.name, own);
    if (kept === undefined) return undefined;
    kept.sites.add(one.span.start);
    for (const [at, arg] of args.entries())
      kept.longest[at] = Math.max(kept.longest[at] ?? 0, arg.text.length);
    return tight(`${kept.name}(${args.map((arg) => print(arg)).join(', ')})`, kept.type);
  }

  /** Records the types of parameters. */
  function learn(name: string, args: readonly Written[]): void {
    const known = memory.types.get(name);
    const types = args.map(({ type }, at) => {
      const before = known?.[at];
      return before === undefined ? type : union(before, type);
    });
    if (known !== undefined && isSame(known, types)) return;
    memory.types.set(name, types);
    if (written.has(name)) memory.hasNews = true;
  }

  function bodyOf(name: string, own: FileFunction): Kept | undefined {
    const known = written.get(name);
    if (known !== undefined) return known;
    // Recursive calls never have a value.
    if (open.has(name)) throw new Untranslatable(`the function ${name}() calls itself`);
    open.add(name);
    try {
      const kept = writeBody(name, own);
      written.set(name, kept);
      return kept;
    } catch (thrown) {
      if (!(thrown instanceof Untranslatable)) throw thrown;
      memory.inlined.add(name);
      memory.hasNews = true;
      return undefined;
    } finally {
      open.delete(name);
    }
  }

  function writeBody(name: string, own: FileFunction): Kept {
    const types = memory.types.get(name) ?? [];
    const wanted = [...own.parameters, ...(own.rest === undefined ? [] : [own.rest])];
    const parameters = fitParameters(wanted);
    const bound = new Map(
      wanted.map((parameter, at) => [
        parameter,
        { kind: 'cel' as const, written: tight(parameters[at] ?? '', types[at]) },
      ]),
    );
    const inside = (): Writing => {
      const w = writing();
      const lookup: Names['lookup'] = (one) => bound.get(one) ?? w.names.global(one);
      return { ...w, names: { global: w.names.global, lookup }, locals: new Set(parameters) };
    };
    const { type } = write(own.result, inside());
    const value = readValue(own.result, {
      w: inside(),
      marks,
      isLoose: false,
      isFlat: false,
    });
    if (hasMarkedKey(value, (key) => marks.isMarked(key)))
      throw new Untranslatable('keys of a map are computed');
    return {
      name: names.get(name) ?? name,
      parameters,
      value: marks.expand(value),
      type,
      sites: new Set(),
      longest: [],
    };
  }

  function choose(): boolean {
    const before = memory.inlined.size;
    for (const [name, kept] of written) if (readsBetterInPlace(kept)) memory.inlined.add(name);
    return memory.inlined.size > before;
  }

  function drafts(texts: string): readonly DraftFunction[] {
    const called = new Map<string, Kept>();
    const visit = (text: string): void => {
      for (const [name, kept] of written) {
        if (called.has(name) || !new RegExp(`(?<![\\w.])${kept.name}\\(`).test(text)) continue;
        called.set(name, kept);
        visit(JSON.stringify(kept.value));
      }
    };
    visit(texts);
    return [...blocks.values()].flatMap((block): DraftFunction[] => {
      const kept = called.get(block.name);
      if (kept === undefined) return [];
      const result = block.attributes.find((one) => one.name === 'result');
      const inside = result === undefined ? new Map() : readValueComments(result.value);
      return [
        {
          signature: `${kept.name}(${kept.parameters.join(', ')})`,
          value: kept.value,
          comments: [...block.comments.above, ...block.attributes.flatMap((one) => one.comments.above)],
          remarks: [block.comments.behind, ...block.attributes.map((one) => one.comments.behind)].filter(
            (one) => one !== undefined,
          ),
          ...(result !== undefined && isAlike(result.value, kept.value) ? { inside } : {}),
        },
      ];
    });
  }

  return { call, choose, drafts };
}

/** The arguments of a call; undefined: not known, or only meaningful at the place of the call. */
function argumentsOf(own: FileFunction, call: Call, w: Writing): readonly Written[] | undefined {
  const { parameters, rest } = own;
  const count = call.args.length;
  if (rest === undefined ? count !== parameters.length || call.expand : count < parameters.length)
    return undefined;
  const more = call.args.slice(parameters.length);
  if (call.expand && more.length !== 1) return undefined;
  const list: Expression | undefined = call.expand
    ? more[0]
    : { kind: 'tuple', items: more, span: call.span };
  const given = [
    ...call.args.slice(0, parameters.length),
    ...(rest === undefined || list === undefined ? [] : [list]),
  ];
  try {
    const args = given.map((arg) => write(arg, w));
    // Rows of a matrix have equal keys, and sets their order, only where their types are known.
    const isPlain = args.every(
      ({ type, text }) => !(type.sparse !== undefined && w.isFilled(text)) && type.isSet !== true,
    );
    return isPlain ? args : undefined;
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

function readsBetterInPlace({ value, type, parameters, sites, longest }: Kept): boolean {
  const texts = textsIn(value);
  const isRepeated = parameters.some((parameter, at) => {
    const uses = texts.join('\n').match(new RegExp(`(?<![\\w.])${parameter}\\b`, 'g'))?.length ?? 0;
    return uses > 1 && (longest[at] ?? 0) > MAX_REPEATED;
  });
  if (isRepeated) return false;
  if (JSON.stringify(value).length <= (sites.size > 2 ? MAX_SHORT_AND_FREQUENT : MAX_SHORT)) return true;
  // An inlined map can be merged with its surroundings.
  if (type.kind === 'map' && sites.size <= 2) return true;
  return sites.size <= 1 && texts.every((text) => text.length <= MAX_ONCE);
}

function textsIn(value: Json): readonly string[] {
  if (value === null || typeof value !== 'object') return [String(value)];
  return Object.values(value).flatMap(textsIn);
}

function hasMarkedKey(value: unknown, isMarked: (key: string) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) && Object.keys(value).some(isMarked)) return true;
  return Object.values(value).some((inner) => hasMarkedKey(inner, isMarked));
}

function isAlike(written: Expression, value: Json): boolean {
  if (written.kind === 'tuple') return Array.isArray(value) && value.length === written.items.length;
  return written.kind === 'object' && isRecord(value);
}

function isSame(a: readonly StaticType[], b: readonly StaticType[]): boolean {
  const text = (types: readonly StaticType[]): string =>
    JSON.stringify(types, (_, value: unknown) =>
      value instanceof Map ? [...value].sort() : value instanceof Set ? [...value].sort() : value,
    );
  return text(a) === text(b);
}

/** Function names that do not exist in the language. */
function fitFunctions(wanted: Iterable<string>): ReadonlyMap<string, string> {
  return fit([...wanted], isTaken);
}

function fitParameters(wanted: readonly string[]): readonly string[] {
  const fitted = fit(wanted, isTakenByValue);
  return wanted.map((name) => fitted.get(name) ?? name);
}

function fit(wanted: readonly string[], isTaken: (name: string) => boolean): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    wanted.map((name) => {
      let fitted = name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_') || '_';
      while (taken.has(fitted) || isTaken(fitted)) fitted += '_';
      taken.add(fitted);
      return [name, fitted];
    }),
  );
}
