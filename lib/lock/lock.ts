/** Implements `bake-ts lock`, `outdated` and `update`: the external images of a set, and the digests of their tags. */
import {
  type BuildSet,
  type Digest,
  fail,
  type ImageRef,
  ok,
  type Plan,
  type Problem,
  problem,
  type Result,
  withDefaultTag,
} from '../model/mod.ts';
import { createRegistryClient, type Presence, type RegistryClient } from '../registry/mod.ts';
import { compileGlob } from '../util/glob.ts';
import { suggest } from '../util/suggest.ts';
import {
  createLock,
  fullName,
  LOCK_NAME,
  type Lock,
  type LockedRef,
  readLock,
  writeLock,
} from './lock-file.ts';

/** Input of `lock`, `outdated` and `update`. */
export interface LockOptions {
  /** A plan of every build of the set. */
  readonly whole: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** What `lock` changed. */
export interface Locked {
  /** Images that were added. */
  readonly added: readonly LockedRef[];
  /** Images that were removed because no build reads them. */
  readonly dropped: readonly LockedRef[];
  /** How many are unchanged. */
  readonly kept: number;
}

/** A locked image, with its locked digest and the current digest of its tag. */
export interface LockedImage {
  /** The image, as builds.lock writes it. */
  readonly image: string;
  /** The digest in builds.lock. */
  readonly locked: Digest;
  /** The current digest; undefined if the tag is gone or not known. */
  readonly now?: Digest;
  /** `unknown`: the registry did not answer properly. Do not treat it as `same`. */
  readonly state: 'same' | 'moved' | 'gone' | 'unknown';
  /** With `gone` and `unknown`: the problem with the registry. */
  readonly problem?: Problem;
}

/** An image that `update` moved, with the builds that must be rebuilt. */
export interface UpdatedImage {
  /** The image, as builds.lock writes it. */
  readonly image: string;
  /** The digest before. */
  readonly from: Digest;
  /** The digest now. */
  readonly to: Digest;
  /** Builds that read it. */
  readonly builds: readonly string[];
  /** Builds based on those. */
  readonly above: readonly string[];
}

/** An external image and the builds that read it. */
interface Use {
  /** As the first of them writes it. */
  readonly written: string;
  readonly ref: ImageRef;
  readonly builds: Set<string>;
}

/** External images of a plan that can be locked (not already pinned where they are written), by full name. */
function lockableImages(plan: Plan): ReadonlyMap<string, Use> {
  const found = new Map<string, Use>();
  for (const [name, node] of plan.nodes) {
    for (const { written, ref } of node.externalImages) {
      if (ref === undefined || ref.digest !== undefined) continue;
      const key = fullName(ref);
      const use = found.get(key) ?? { written, ref, builds: new Set() };
      use.builds.add(name);
      found.set(key, use);
    }
  }
  return found;
}

/** Images of a plan that are not in the lock, sorted. */
function missingImages(plan: Plan, lock: Lock): readonly Use[] {
  return [...lockableImages(plan).values()]
    .filter(({ ref }) => lock.digestOf(ref) === undefined)
    .sort((one, other) => (one.written < other.written ? -1 : 1));
}

/** A warning that lists the images of a plan that are not in its lock; undefined if there are none. */
export function warnOfUnlocked(plan: Plan, lock: Lock): Problem | undefined {
  const missing = missingImages(plan, lock);
  if (missing.length === 0) return undefined;
  const images = missing.map(({ written }) => `\`${written}\``).join(', ');
  return problem(
    'run/not-locked',
    `${LOCK_NAME} lacks ${images}; ${missing.length === 1 ? 'it is' : 'they are'} resolved in every run`,
    { severity: 'warning', hint: 'Run bake-ts lock to add the missing images' },
  );
}

/** What is missing in a lock, and what it has but is not needed. */
interface Difference {
  /** Undefined: there is no lock file. */
  readonly lock: Lock | undefined;
  readonly missing: readonly Use[];
  readonly dropped: readonly LockedRef[];
}

async function compareWithPlan({ whole }: LockOptions, selected: Plan): Promise<Result<Difference>> {
  const read = await readLock(whole.set);
  if (!read.ok) return read;
  const lock = read.value ?? createLock([]);
  const used = lockableImages(whole);
  return ok({
    lock: read.value,
    missing: missingImages(selected, lock),
    dropped: lock.images.filter(({ ref }) => !used.has(fullName(ref))),
  });
}

/**
 * Adds images of selected builds that are missing to the lock, and removes those that no build of the set uses. Other
 * entries are unchanged. Writes the file if it changed.
 *
 * @param selected a plan of the selected builds
 * @returns problems: `config/bad-lock`, `run/lock-unwritten`, those of registries
 */
export async function lockImages(options: LockOptions, selected: Plan): Promise<Result<Locked>> {
  const compared = await compareWithPlan(options, selected);
  if (!compared.ok) return compared;
  const { lock, missing, dropped } = compared.value;
  const added = await resolveMissing(options, missing);
  if (!added.ok) return added;
  const kept = (lock?.images ?? []).filter((image) => !dropped.includes(image));
  if (lock === undefined || added.value.length > 0 || dropped.length > 0) {
    const unwritten = await writeLock(options.whole.set, [...kept, ...added.value]);
    if (unwritten !== undefined) return fail([unwritten]);
  }
  return ok({ added: added.value, dropped, kept: kept.length });
}

/**
 * Checks that `lockImages` would change nothing, without querying a registry.
 *
 * @returns problems: `config/bad-lock`, `run/lock-stale`
 */
export async function checkLock(options: LockOptions, selected: Plan): Promise<Result<Locked>> {
  const compared = await compareWithPlan(options, selected);
  if (!compared.ok) return compared;
  const { lock, missing, dropped } = compared.value;
  if (lock === undefined || missing.length > 0 || dropped.length > 0)
    return fail([staleLock(compared.value)]);
  return ok({ added: [], dropped: [], kept: lock.images.length });
}

async function resolveMissing(
  options: LockOptions,
  missing: readonly Use[],
): Promise<Result<readonly LockedRef[]>> {
  const added: LockedRef[] = [];
  const problems: Problem[] = [];
  const answers = await withRegistry(options, (registry) =>
    Promise.all(missing.map(async (use) => ({ use, presence: await ask(registry, use.ref) }))),
  );
  for (const { use, presence } of answers) {
    const { written, ref } = use;
    if (presence.kind === 'present') added.push({ written, ref, digest: presence.digest });
    else problems.push(presence.kind === 'unknown' ? presence.problem : notThere(written));
  }
  return problems.length > 0 ? fail(problems) : ok(added);
}

/** Compares every locked image with the current digest of its tag. Problems: `config/bad-lock`, `run/no-lock`. */
export async function compareLock(options: LockOptions): Promise<Result<readonly LockedImage[]>> {
  const lock = await requireLock(options.whole.set);
  if (!lock.ok) return lock;
  return ok(await compareImages(options, lock.value.images));
}

function compareImages(options: LockOptions, images: readonly LockedRef[]): Promise<readonly LockedImage[]> {
  return withRegistry(options, (registry) =>
    Promise.all(
      images.map(async ({ written: image, ref, digest: locked }): Promise<LockedImage> => {
        const presence = await ask(registry, ref);
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
 * Moves locked images to the current digests of their tags; the others are unchanged.
 *
 * @param patterns globs for images as written; one without a `/` is also compared with the last part of the name, with
 *   and without its tag. None: all
 * @returns what moved; problems: `config/bad-lock`, `run/no-lock`, `run/not-in-lock`, `run/lock-unwritten`, those of
 *   registries. If there is any problem, nothing is written.
 */
export async function updateLock(
  options: LockOptions,
  patterns: readonly string[],
): Promise<Result<readonly UpdatedImage[]>> {
  const { whole } = options;
  const lock = await requireLock(whole.set);
  if (!lock.ok) return lock;
  const { images } = lock.value;
  const chosen = chooseImages(
    images.map(({ written }) => written),
    patterns,
  );
  if (!chosen.ok) return chosen;
  const compared = await compareImages(
    options,
    images.filter(({ written }) => chosen.value.has(written)),
  );
  const problems = compared.flatMap((one) => one.problem ?? []);
  if (problems.length > 0) return fail(problems);
  const movedTo = new Map(
    compared.flatMap(({ image, locked, now }) =>
      now === undefined || now === locked ? [] : [[image, now] as const],
    ),
  );
  const uses = lockableImages(whole);
  const updated: UpdatedImage[] = [];
  const updatedImages = images.map((image): LockedRef => {
    const to = movedTo.get(image.written);
    if (to === undefined) return image;
    const builds = [...(uses.get(fullName(image.ref))?.builds ?? [])];
    updated.push({ image: image.written, from: image.digest, to, builds, above: basedOn(whole, builds) });
    return { ...image, digest: to };
  });
  if (updated.length > 0) {
    const unwritten = await writeLock(whole.set, updatedImages);
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
      problem('run/not-in-lock', `${LOCK_NAME} has no image \`${pattern}\``, {
        hint:
          near === undefined
            ? 'Name images as in the Dockerfile: `bake-ts outdated` lists them, `bake-ts lock` adds new ones.'
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

/** Builds that read the result of the given builds, directly or not. */
function basedOn(plan: Plan, builds: readonly string[]): readonly string[] {
  const reached = new Set(builds);
  // Each build comes after its dependencies, so one pass in the plan's order is enough.
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
      hint: 'Run bake-ts lock to create it',
    }),
  ]);
}

function ask(registry: RegistryClient, ref: ImageRef): Promise<Presence> {
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

function staleLock({ lock, missing, dropped }: Difference): Problem {
  const detail = [
    ...missing.map(({ written }) => `+ ${written}`),
    ...dropped.map(({ written }) => `- ${written} (no build uses it)`),
  ].join('\n');
  return problem(
    'run/lock-stale',
    lock === undefined ? `there is no ${LOCK_NAME}` : `${LOCK_NAME} is not up to date with the builds`,
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
