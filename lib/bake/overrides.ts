/** Parses `--set TARGET.key[.name]=value` and `+=` (buildx bake/bake.go, `newOverrides`). */
import { fail, ok, type Problem, problem, type Result, type Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { compilePattern } from './match.ts';
import { append, type Slice } from './slice.ts';

/** The value of one key for one target. */
export interface Override {
  /** For keys that are not lists. */
  value: string;
  /** For keys that are lists. */
  list?: Slice<string>;
  /** `+=`: keeps existing items. */
  isAdded: boolean;
  /** Set to an empty value. */
  isCleared: boolean;
  /** Place of its last `--set`. */
  span: Span;
}

/** By target, then by key (`args.NAME` as `arg.NAME`); in the written order. */
export type Overrides = ReadonlyMap<string, ReadonlyMap<string, Override>>;

/** Other names of keys. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['annotations', 'annotation'],
  ['args', 'arg'],
  ['entitlements', 'entitlement'],
  ['extra-hosts', 'extra-host'],
  ['labels', 'label'],
  ['platforms', 'platform'],
  ['resources', 'resource'],
  ['tags', 'tag'],
  ['ulimits', 'ulimit'],
]);

const LISTS: ReadonlySet<string> = new Set(
  'output cache-to cache-from tag platform ssh attest entitlement annotation policy ulimit no-cache-filter'.split(
    ' ',
  ),
);
const NAMED: ReadonlySet<string> = new Set(['arg', 'contexts', 'label', 'extra-host', 'resource']);
const SINGLE: ReadonlySet<string> = new Set(
  'context dockerfile target call no-cache shm-size network pull push load'.split(' '),
);

/** All keys, for suggestions. */
export const OVERRIDE_KEYS: readonly string[] = [...LISTS, ...NAMED, ...SINGLE, 'secret', ...ALIASES.keys()];

interface Written {
  readonly pattern: string;
  readonly key: string;
  /** The part after the second dot. */
  readonly name?: string;
  readonly value?: string;
  readonly isAdded: boolean;
  readonly span: Span;
}

/**
 * Parses the texts of `--set`.
 *
 * @param names existing targets
 * @param env provides values of build arguments that are set without one
 */
export function readOverrides(
  texts: readonly string[],
  names: readonly string[],
  env: (name: string) => string | undefined,
): Result<Overrides> {
  const overrides = new Map<string, Map<string, Override>>();
  const problems: Problem[] = [];
  for (const text of texts) {
    const written = readText(text);
    if (!written.ok) {
      problems.push(written.error);
      continue;
    }
    const matched = expand(written.value, names);
    if (!matched.ok) problems.push(matched.error);
    else for (const name of matched.value) set(overrides, name, written.value, env);
  }
  return problems.length > 0 ? fail(problems) : ok(overrides);
}

function readText(text: string): Result<Written, Problem> {
  const span: Span = {
    source: { path: '--set', text, isCommandLine: true },
    start: 0,
    end: text.length,
  };
  const wrong = (message: string, hint: string): Result<Written, Problem> =>
    fail(problem('bake/target', `The override ${text}: ${message}`, { hint, span }));
  const equals = text.indexOf('=');
  const left = equals === -1 ? text : text.slice(0, equals);
  const isAdded = left.endsWith('+');
  const [pattern = '', written, ...rest] = (isAdded ? left.slice(0, -1) : left).split('.');
  if (written === undefined) return wrong('it names no key', 'Write TARGET.key=value.');
  const name = rest.length === 0 ? undefined : rest.join('.');
  if (written === 'secrets' && name !== undefined)
    return wrong('"secrets" takes no name after it', 'Write TARGET.secret.ID=value.');
  const key = written === 'secrets' ? 'secret' : (ALIASES.get(written) ?? written);
  if (equals === -1 && key !== 'arg') return wrong('it has no value', `Write it as ${text}=value.`);
  if (NAMED.has(key) && name === undefined)
    return wrong(`"${written}" needs a name after it`, `Write it as ${pattern}.${written}.NAME=value.`);
  if ((LISTS.has(key) || SINGLE.has(key)) && name !== undefined)
    return wrong(`"${written}" takes no name after it`, `Write it as ${pattern}.${written}=value.`);
  if (isAdded && (key === 'resource' || (key === 'secret' && name !== undefined)))
    return wrong(`"${written}.${name ?? ''}" does not support +=`, 'Use = instead of +=.');
  return ok({
    pattern,
    key,
    isAdded,
    span,
    ...(name === undefined ? {} : { name }),
    ...(equals === -1 ? {} : { value: text.slice(equals + 1) }),
  });
}

function expand({ pattern, span }: Written, names: readonly string[]): Result<readonly string[], Problem> {
  if (names.includes(pattern)) return ok([pattern]);
  const matches = compilePattern(pattern);
  const place = { ...span, end: Math.max(1, pattern.length) };
  if (matches === undefined)
    return fail(
      problem('bake/target', `"${pattern}" in the override ${span.source.text} is not a valid pattern`, {
        span: place,
      }),
    );
  const matched = names.filter(matches);
  if (matched.length > 0) return ok(matched);
  const hint = didYouMean(pattern, names);
  return fail(
    problem('bake/unknown-name', `No target matches "${pattern}" in the override ${span.source.text}`, {
      ...(hint === undefined ? {} : { hint }),
      span: place,
    }),
  );
}

function set(
  overrides: Map<string, Map<string, Override>>,
  target: string,
  written: Written,
  env: (name: string) => string | undefined,
): void {
  const { key, name, span } = written;
  const isList = LISTS.has(key) || (key === 'secret' && name === undefined);
  const given = written.value ?? env(name ?? '');
  // A build argument without a value that is not in the environment either is unchanged.
  if (given === undefined) return;
  const ofTarget = overrides.get(target) ?? new Map<string, Override>();
  overrides.set(target, ofTarget);
  const full = name === undefined ? key : `${key}.${name}`;
  const override = ofTarget.get(full) ?? { value: '', isAdded: false, isCleared: false, span };
  ofTarget.set(full, override);
  override.span = span;
  if (!isList) {
    override.value = given;
    return;
  }
  if (given === '' && !written.isAdded) {
    override.isCleared = true;
    delete override.list;
  } else override.list = append(override.list, [given], 16) as Slice<string>;
  override.isAdded = written.isAdded && !override.isCleared;
}
