/** What `bake-ts lock`, `outdated` and `update` do: which images a set takes from outside, and what they stand for. */
import {
  type BuildSet,
  type Digest,
  fail,
  ok,
  type Plan,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  withDefaultTag,
} from '../model/mod.ts';
import { createRegistryClient, type Presence, type RegistryClient } from '../registry/mod.ts';
import { compileGlob } from '../util/glob.ts';
import { suggest } from '../util/suggest.ts';
import { createLock, LOCK_NAME, type Lock, meaningOf, readLock, writeLock } from './lock-file.ts';

/** What the verbs of the lock work with. */
export interface LockOptions {
  /** A plan of every build of the set. */
  readonly whole: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** What `lock` changed. */
export interface Locked {
  readonly added: ReadonlyMap<string, Digest>;
  readonly dropped: ReadonlyMap<string, Digest>;
  readonly kept: number;
}

/** An image with what it is locked to and what it stands for now. */
export interface LockedImage {
  readonly image: string;
  readonly locked: Digest;
  /** Undefined: gone, or not known. */
  readonly now?: Digest;
  /** `unknown`: its registry did not say; never to be taken for `same`. */
  readonly state: 'same' | 'moved' | 'gone' | 'unknown';
  readonly problem?: Problem;
}

/** An image that `update` moved, with the builds that will be built anew for it. */
export interface UpdatedImage {
  readonly image: string;
  readonly from: Digest;
  readonly to: Digest;
  /** Builds that read it. */
  readonly builds: readonly string[];
  /** Builds based on those. */
  readonly above: readonly string[];
}

/** An outside image, with the builds that read it. */
interface Use {
  /** As the first of them writes it. */
  readonly written: string;
  readonly builds: Set<string>;
}

/** Outside images of a plan that a lock can hold (those not pinned where they are written), by their full references. */
function lockableImages(plan: Plan): ReadonlyMap<string, Use> {
  const found = new Map<string, Use>();
  for (const [name, node] of plan.nodes) {
    for (const { written } of node.externalImages) {
      const ref = parseImageRef(written);
      if (ref === undefined || ref.digest !== undefined) continue;
      const meaning = meaningOf(written);
      const use = found.get(meaning) ?? { written, builds: new Set() };
      use.builds.add(name);
      found.set(meaning, use);
    }
  }
  return found;
}

/** Images of a plan that a lock does not hold, as written, sorted. */
function missingImages(plan: Plan, lock: Lock): readonly string[] {
  const uses = [...lockableImages(plan).values()].map((use) => use.written);
  return uses.filter((image) => lock.digestOf(image) === undefined).sort();
}

/** A warning that names the images of a plan which its lock does not hold; undefined where it holds all. */
export function warnOfUnlocked(plan: Plan, lock: Lock): Problem | undefined {
  const missing = missingImages(plan, lock);
  if (missing.length === 0) return undefined;
  const images = missing.map((image) => `\`${image}\``).join(', ');
  return problem(
    'run/not-locked',
    `${LOCK_NAME} does not hold ${images}; ${missing.length === 1 ? 'it is' : 'they are'} looked up in every run`,
    { severity: 'warning', hint: 'Add what is missing: bake-ts lock' },
  );
}

/**
 * Adds to the lock what selected builds lack, and drops what no build of the set uses; what it holds stays as it is.
 * Writes the file if that changes it; with `check` neither writes it nor asks a registry, and a file that would change is a problem.
 *
 * @param selected a plan of the selected builds
 * @returns problems: `config/bad-lock`, `run/lock-stale` (with `check`), `run/lock-unwritten`, those of registries
 */
export async function lockImages(
  options: LockOptions,
  selected: Plan,
  check: boolean,
): Promise<Result<Locked>> {
  const { set } = options.whole;
  const read = await readLock(set);
  if (!read.ok) return read;
  const lock = read.value ?? createLock(new Map());
  const used = lockableImages(options.whole);
  const dropped = new Map([...lock.images].filter(([image]) => !used.has(meaningOf(image))));
  const missing = missingImages(selected, lock);
  if (check) {
    if (read.value !== undefined && missing.length === 0 && dropped.size === 0)
      return ok({ added: new Map(), dropped, kept: lock.images.size });
    return fail([staleLock(read.value === undefined, missing, [...dropped.keys()])]);
  }
  const added = await resolveMissing(options, missing);
  if (!added.ok) return added;
  const images = new Map([...lock.images, ...added.value].filter(([image]) => !dropped.has(image)));
  if (read.value === undefined || added.value.size > 0 || dropped.size > 0) {
    const unwritten = await writeLock(set, images);
    if (unwritten !== undefined) return fail([unwritten]);
  }
  return ok({ added: added.value, dropped, kept: lock.images.size - dropped.size });
}

async function resolveMissing(
  options: LockOptions,
  missing: readonly string[],
): Promise<Result<ReadonlyMap<string, Digest>>> {
  const added = new Map<string, Digest>();
  const problems: Problem[] = [];
  const answers = await withRegistry(options, (registry) =>
    Promise.all(missing.map(async (image) => ({ image, presence: await ask(registry, image) }))),
  );
  for (const { image, presence } of answers) {
    if (presence.kind === 'present') added.set(image, presence.digest);
    else problems.push(presence.kind === 'unknown' ? presence.problem : notThere(image));
  }
  return problems.length > 0 ? fail(problems) : ok(added);
}

/** Compares every locked image with what its tag stands for now. Problems: `config/bad-lock`, `run/no-lock`. */
export async function compareLock(options: LockOptions): Promise<Result<readonly LockedImage[]>> {
  const lock = await requireLock(options.whole.set);
  if (!lock.ok) return lock;
  return ok(await compareImages(options, [...lock.value.images]));
}

function compareImages(
  options: LockOptions,
  images: readonly (readonly [string, Digest])[],
): Promise<readonly LockedImage[]> {
  return withRegistry(options, (registry) =>
    Promise.all(
      images.map(async ([image, locked]): Promise<LockedImage> => {
        const presence = await ask(registry, image);
        if (presence.kind === 'unknown')
          return { image, locked, state: 'unknown', problem: presence.problem };
        if (presence.kind === 'absent') return { image, locked, state: 'gone', problem: notThere(image) };
        const { digest: now } = presence;
        return { image, locked, now, state: now === locked ? 'same' : 'moved' };
      }),
    ),
  );
}

/**
 * Moves locked images to what their tags stand for now; the rest stays.
 *
 * @param patterns globs over images as written; one without a `/` is also compared with the last part of the name, with
 * and without its tag. None: all
 * @returns what moved; problems: `config/bad-lock`, `run/no-lock`, `run/not-in-lock`, `run/lock-unwritten`, those of
 * registries. With any of them nothing is written.
 */
export async function updateLock(
  options: LockOptions,
  patterns: readonly string[],
): Promise<Result<readonly UpdatedImage[]>> {
  const { whole } = options;
  const lock = await requireLock(whole.set);
  if (!lock.ok) return lock;
  const chosen = chooseImages([...lock.value.images.keys()], patterns);
  if (!chosen.ok) return chosen;
  const wanted = [...lock.value.images].filter(([image]) => chosen.value.has(image));
  const compared = await compareImages(options, wanted);
  const problems = compared.flatMap((one) => one.problem ?? []);
  if (problems.length > 0) return fail(problems);
  const images = new Map(lock.value.images);
  const uses = lockableImages(whole);
  const updated: UpdatedImage[] = [];
  for (const { image, locked, now } of compared) {
    if (now === undefined || now === locked) continue;
    images.set(image, now);
    const builds = [...(uses.get(meaningOf(image))?.builds ?? [])];
    updated.push({ image, from: locked, to: now, builds, above: standingOn(whole, builds) });
  }
  if (updated.length > 0) {
    const unwritten = await writeLock(whole.set, images);
    if (unwritten !== undefined) return fail([unwritten]);
  }
  return ok(updated);
}

function chooseImages(images: readonly string[], patterns: readonly string[]): Result<ReadonlySet<string>> {
  if (patterns.length === 0) return ok(new Set(images));
  const chosen = new Set<string>();
  const problems: Problem[] = [];
  for (const pattern of patterns) {
    const matches = compileGlob(pattern);
    const found = images.filter((image) => namesOf(image, pattern).some(matches));
    for (const image of found) chosen.add(image);
    if (found.length > 0) continue;
    const near = suggest(pattern, images);
    problems.push(
      problem('run/not-in-lock', `${LOCK_NAME} holds no image \`${pattern}\``, {
        hint:
          near === undefined
            ? 'Images are named as the Dockerfile writes them; `bake-ts outdated` lists them, `bake-ts lock` adds new ones.'
            : `Did you mean \`${near}\`?`,
      }),
    );
  }
  return problems.length > 0 ? fail(problems) : ok(chosen);
}

function namesOf(image: string, pattern: string): readonly string[] {
  if (pattern.includes('/')) return [image];
  const last = image.slice(image.lastIndexOf('/') + 1);
  return [image, last, last.replace(/:.*$/, '')];
}

/** Builds that read the result of some builds, directly or not. */
function standingOn(plan: Plan, builds: readonly string[]): readonly string[] {
  const reached = new Set(builds);
  // Each build comes after what it needs, so one pass in the plan's order is enough.
  for (const [name, node] of plan.nodes) {
    if (node.edges.some((edge) => edge.contextName !== undefined && reached.has(edge.to))) reached.add(name);
  }
  return [...reached].filter((name) => !builds.includes(name));
}

async function requireLock(set: BuildSet): Promise<Result<Lock>> {
  const read = await readLock(set);
  if (!read.ok) return read;
  if (read.value !== undefined) return ok(read.value);
  return fail([
    problem('run/no-lock', `there is no ${LOCK_NAME} beside builds.yaml`, {
      hint: 'Make one: bake-ts lock',
    }),
  ]);
}

function ask(registry: RegistryClient, image: string): Promise<Presence> {
  const ref = parseImageRef(image);
  if (ref === undefined) throw new Error(`\`${image}\` was accepted as a reference and is none`);
  const { digest: _, ...tagged } = withDefaultTag(ref);
  return registry.head(tagged, { mirrors: true });
}

async function withRegistry<T>(
  { whole, env, signal }: LockOptions,
  work: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  const registry = createRegistryClient({
    registries: whole.set.registries,
    env,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

function staleLock(isNew: boolean, missing: readonly string[], unused: readonly string[]): Problem {
  const detail = [
    ...missing.map((image) => `+ ${image}`),
    ...unused.map((image) => `- ${image} (no build uses it)`),
  ].join('\n');
  return problem(
    'run/lock-stale',
    isNew ? `there is no ${LOCK_NAME}` : `${LOCK_NAME} is not what the builds need`,
    {
      hint: 'Run `bake-ts lock` and commit the file.',
      ...(detail === '' ? {} : { detail }),
    },
  );
}

function notThere(image: string): Problem {
  return problem('registry/not-found', `${image} is not in its registry`, {
    hint: 'Check the name and the tag.',
  });
}
