/** Where tags are promoted to: which name each of them gets. Pure. */
import { fail, formatImageRef, type ImageRef, ok, parseTag, problem, type Result } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';

/** Names that begin with `from` get `to` in its place. Each is a registry, then parts of a path. */
export interface Destination {
  /** Empty: any registry, which is exchanged, and `to` is put before the path. */
  readonly from: readonly string[];
  readonly to: readonly string[];
}

const FORMS =
  'Write REGISTRY or REGISTRY/PREFIX (prod.example.com/live), or FROM=TO (ghcr.io/acme/staging=ghcr.io/acme/prod); Docker Hub is docker.io.';

/**
 * Reads destinations as `--to` has them.
 *
 * @param written `REGISTRY[/PREFIX]` or `FROM=TO`, each side of which is `REGISTRY[/PREFIX]`
 * @returns problem: `plan/bad-destination`, for each that cannot be read or says otherwise than one before it
 */
export function readDestinations(written: readonly string[]): Result<readonly Destination[]> {
  const read = new Map<string, Destination>();
  const problems = written.flatMap((text) => {
    const one = readDestination(text);
    if (one === undefined) return [bad(`\`${text}\` is not a valid destination`, FORMS)];
    const from = one.from.join('/');
    const before = read.get(from);
    if (before !== undefined && before.to.join('/') !== one.to.join('/')) {
      const what = from === '' ? 'everything' : `\`${from}\``;
      return [
        bad(`${what} has two destinations: \`${before.to.join('/')}\` and \`${one.to.join('/')}\``, FORMS),
      ];
    }
    read.set(from, one);
    return [];
  });
  if (problems.length > 0) return fail(problems);
  return ok([...read.values()]);
}

function bad(message: string, hint: string) {
  return problem('plan/bad-destination', message, { hint });
}

function readDestination(text: string): Destination | undefined {
  const [first = '', second, ...more] = text.split('=');
  if (more.length > 0) return undefined;
  const from = second === undefined ? [] : readPlace(first);
  const to = readPlace(second ?? first);
  return from === undefined || to === undefined ? undefined : { from, to };
}

/** A registry and parts of a path. */
function readPlace(text: string): readonly string[] | undefined {
  const [head = '', ...parts] = text.split('/');
  // Two more parts, since a lone one on Docker Hub stands for `library/…`. A head that is no registry is taken for a part.
  const registry = parseTag(`${head}/a/b`);
  if (registry?.repository !== 'a/b') return undefined;
  const whole = parseTag([head, ...parts, 'a', 'b'].join('/'));
  return whole === undefined ? undefined : [whole.registry, ...parts];
}

/** Whether a name begins with the left side of a destination. */
export function fitsAny(ref: ImageRef, destinations: readonly Destination[]): boolean {
  return destinations.some(({ from }) => beginsWith(partsOf(ref), from));
}

/** What a name begins with that may have been meant by a left side that is for none of the names: `Did you mean "…"?`. */
export function meantDestinations(
  refs: readonly ImageRef[],
  destinations: readonly Destination[],
): readonly string[] {
  return destinations.flatMap(({ from }) => {
    const starts = refs.flatMap((ref) => partsOf(ref).map((_, at, parts) => parts.slice(0, at + 1)));
    // What is as long as what was written comes first: of several that are as near, the first is taken.
    const near = [...starts].sort(
      (one, other) => Math.abs(one.length - from.length) - Math.abs(other.length - from.length),
    );
    const meant = didYouMean(
      from.join('/'),
      near.map((parts) => parts.join('/')),
    );
    return meant ?? [];
  });
}

function partsOf({ registry, repository }: ImageRef): readonly string[] {
  return [registry, ...repository.split('/')];
}

function beginsWith(parts: readonly string[], from: readonly string[]): boolean {
  return from.every((part, at) => part === parts[at]);
}

/**
 * The name that a tag gets: by the destination that has most of its name, and the same tag.
 *
 * @returns undefined where no destination is for it, or what comes out is no valid name
 */
export function promotedName(
  ref: ImageRef,
  destinations: readonly Destination[],
): (ImageRef & { readonly tag: string }) | undefined {
  const parts = partsOf(ref);
  const fits = destinations.filter(({ from }) => beginsWith(parts, from));
  const [best] = [...fits].sort((one, other) => other.from.length - one.from.length);
  if (best === undefined) return undefined;
  const rest = best.from.length === 0 ? parts.slice(1) : parts.slice(best.from.length);
  const [registry = '', ...path] = [...best.to, ...rest];
  if (path.length === 0) return undefined;
  const { tag = 'latest' } = ref;
  const named = parseTag(formatImageRef({ registry, repository: path.join('/'), tag }));
  return named === undefined ? undefined : { ...named, tag };
}
