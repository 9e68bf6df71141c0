/** Destinations of a promotion: the new name of each tag. Pure. */
import { fail, formatImageRef, type ImageRef, ok, parseTag, problem, type Result } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';

/** Replaces `from` at the start of names by `to`. Each is a registry and parts of a path. */
export interface Destination {
  /** Empty: replaces any registry, and puts `to` before the path. */
  readonly from: readonly string[];
  readonly to: readonly string[];
}

const FORMS =
  'Write REGISTRY or REGISTRY/PREFIX (prod.example.com/live), or FROM=TO (ghcr.io/acme/staging=ghcr.io/acme/prod); Docker Hub is docker.io.';

/**
 * Reads destinations as written for `--to`.
 *
 * @param written `REGISTRY[/PREFIX]` or `FROM=TO`, each side of which is `REGISTRY[/PREFIX]`
 * @returns problem: `plan/bad-destination`, for each that is invalid or contradicts an earlier one
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
  // Adds two more parts, because a single one on Docker Hub means `library/…`. A head that is not a registry is read as a part.
  const registry = parseTag(`${head}/a/b`);
  if (registry?.repository !== 'a/b') return undefined;
  const whole = parseTag([head, ...parts, 'a', 'b'].join('/'));
  return whole === undefined ? undefined : [whole.registry, ...parts];
}

/** Whether a name begins with the left side of a destination. */
export function fitsAny(ref: ImageRef, destinations: readonly Destination[]): boolean {
  return destinations.some(({ from }) => beginsWith(partsOf(ref), from));
}

/** Suggestions for left sides that match no name: the nearest prefix of a name, as `Did you mean "…"?`. */
export function meantDestinations(
  refs: readonly ImageRef[],
  destinations: readonly Destination[],
): readonly string[] {
  return destinations.flatMap(({ from }) => {
    const starts = refs.flatMap((ref) => partsOf(ref).map((_, at, parts) => parts.slice(0, at + 1)));
    // Prefixes of about the same length come first, because the first of equally near ones is suggested.
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
 * The new name of a tag: by the destination with the longest matching prefix, and with the same tag.
 *
 * @returns undefined if no destination matches, or the result is not a valid name
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
