/**
 * Attributes records of an engine's cache to builds. BuildKit describes what made a record in nearly the same text as
 * the steps of a build; local sources have names from bake-ts. Unknown owners stay unknown and are never guessed.
 */
import type { CacheRecord } from '../engine/mod.ts';
import { SOURCE_NAME } from '../history/mod.ts';
import { compileWildcards } from '../util/wildcard.ts';

/** Traces of a build: its steps as BuildKit prints them, and the names under which its directories were sent. */
export interface KnownSteps {
  readonly steps: ReadonlySet<string>;
  readonly sources: ReadonlySet<string>;
}

/** Builds by search key. */
type Index = Map<string, Set<string>>;

/**
 * The builds of each record, by the record's id; empty if unknown. A record also belongs to the builds of the records
 * on top of it, because a layer needs those below it.
 *
 * @param builds by name
 */
export function attributeRecords(
  records: readonly CacheRecord[],
  builds: ReadonlyMap<string, KnownSteps>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const find = createFinder(builds);
  const owners = new Map<string, Set<string>>(records.map((one) => [one.id, new Set(find(one.description))]));
  const byId = new Map(records.map((one) => [one.id, one]));
  // Only changed records are propagated again, so this terminates.
  const open = records.filter((one) => (owners.get(one.id)?.size ?? 0) > 0);
  for (let record = open.pop(); record !== undefined; record = open.pop()) {
    for (const id of record.parents) {
      const parent = byId.get(id);
      const known = owners.get(id);
      if (parent === undefined || known === undefined) continue;
      const before = known.size;
      for (const build of owners.get(record.id) ?? []) known.add(build);
      if (known.size > before) open.push(parent);
    }
  }
  return owners;
}

const EXEC = /^(?:cached )?mount \S* ?from exec (.+?)(?: with id "(?:[^"\\]|\\.)*")?$/s;
const FETCHED = /^(?:http url|shared git repo for|git bundle checkout for|git snapshot for|blob) ([^\s#]+)/;
const DIGEST = /sha256:[0-9a-f]{64}/;

/** Makes a function from a description to the builds it may belong to. */
function createFinder(builds: ReadonlyMap<string, KnownSteps>): (description: string) => Iterable<string> {
  const bySource: Index = new Map();
  const byName: Index = new Map();
  const byCommand: Index = new Map();
  const byImage: Index = new Map();
  const fetching: (readonly [step: string, build: string])[] = [];
  for (const [build, { steps, sources }] of builds) {
    for (const source of sources) note(bySource, source, build);
    for (const step of steps) {
      note(byName, step, build);
      const command = commandOf(step);
      if (command !== undefined) note(byCommand, command, build);
      const image = /(?:\] FROM |docker-image:\/\/)(\S+)/.exec(step)?.[1];
      if (image !== undefined) note(byImage, DIGEST.exec(image)?.[0] ?? image, build);
      if (step.includes('://') || step.includes('git@')) fetching.push([step, build]);
    }
  }
  return (description) => {
    const source = description.startsWith('local source for ') ? SOURCE_NAME.exec(description) : undefined;
    if (source !== undefined) return bySource.get(source?.[0] ?? '') ?? [];
    const executed = EXEC.exec(description)?.[1];
    if (executed !== undefined) return findCommand(executed, byCommand);
    const pulled = /^pulled from (\S+)/.exec(description)?.[1];
    if (pulled !== undefined) return byImage.get(DIGEST.exec(pulled)?.[0] ?? pulled) ?? [];
    const fetched = FETCHED.exec(description)?.[1];
    if (fetched !== undefined)
      return fetching.flatMap(([step, build]) => (step.includes(fetched) ? build : []));
    return byName.get(description) ?? [];
  };
}

function note(index: Index, key: string, build: string): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([build]));
  else known.add(build);
}

/** The command of a RUN step without flags: the shell command, or the joined list; undefined: not a RUN step. */
function commandOf(step: string): string | undefined {
  const written = /^\[[^\]]*\] RUN ((?:--\S+ +)*)(.+)$/s.exec(step)?.[2];
  if (written?.startsWith('[') !== true) return written;
  try {
    const words: unknown = JSON.parse(written);
    return Array.isArray(words) ? words.join(' ') : written;
  } catch {
    return written;
  }
}

/** Step names have variables of the build expanded; executed commands have them as written. */
function findCommand(executed: string, byCommand: Index): Iterable<string> {
  const shell = executed.indexOf(' -c ');
  const texts = shell === -1 ? [executed] : [executed, executed.slice(shell + ' -c '.length)];
  for (const text of texts) {
    const found = byCommand.get(text);
    if (found !== undefined) return found;
  }
  const last = texts.at(-1) ?? '';
  if (!last.includes('$')) return [];
  const fits = compileWildcards(patternOf(last), 's');
  return [...byCommand].flatMap(([command, builds]) => (fits(command) ? [...builds] : []));
}

function patternOf(command: string): string {
  return command
    .split(/\$(?:\{[^}]*\}|\w+)/)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
    .join('.*');
}
