/**
 * Finds which images that Dockerfiles read are made by builds of the same file. Uncertain ones are left out: a missing
 * edge only pulls an image, while a wrong one builds another image than intended.
 */
import { formatImageRef, type ImageRef, parseImageRef, parseTag } from '../model/mod.ts';
import type { DraftBuild } from './draft.ts';
import { isSide } from './guess.ts';
import { isOfficial } from './official.ts';
import type { Recipe } from './recipe.ts';

/** A build and its known properties. */
export interface Linkable {
  readonly build: DraftBuild;
  /** Path of its Dockerfile; undefined: not available. */
  readonly path?: string;
  readonly recipe?: Recipe;
  /** Its tags if all are known; undefined: no names are known. */
  readonly tags?: readonly string[];
  /** Its default tag, with registry. */
  readonly usualTag?: string;
  /** Builds that its named contexts refer to. */
  readonly edges: readonly string[];
  /** False for a matrix: its name is none of a single image. */
  readonly isSingle: boolean;
}

/** What a reference of a Dockerfile means. */
export interface Link {
  readonly reader: Linkable;
  /** As the Dockerfile has it, arguments filled in. */
  readonly written: string;
  /**
   * `known`: the build has that tag or name; `guess`: names say so; `maybe`: they might; `outside`: it is Docker Hub's
   * image though a build has the same name.
   */
  readonly kind: 'known' | 'guess' | 'maybe' | 'outside';
  readonly owner: Linkable;
}

/** What images of this repository may be called. */
export interface LinkNames {
  /** The repository's own name and owners, in lower case. */
  readonly owners: ReadonlySet<string>;
  readonly repository: string;
}

/** Finds what the Dockerfiles' references mean; none of the guesses is on a cycle. */
export function findLinks(all: readonly Linkable[], names: LinkNames): readonly Link[] {
  const found = all.flatMap((reader) =>
    [...new Set((reader.recipe?.images ?? []).map(({ written }) => written))].flatMap(
      (written): readonly Link[] => {
        const meant = meaningOf(written, reader, all, names);
        return meant === undefined ? [] : [{ reader, written, ...meant }];
      },
    ),
  );
  const sound = dropDoubtful(found, all);
  // A bare name that is a build's means that build wherever nothing else is said.
  const open = found.filter((link) => !sound.includes(link));
  return [...sound, ...open.flatMap((link) => outsideOf(link.written, link.reader, all) ?? [])];
}

type Meaning = Pick<Link, 'kind' | 'owner'>;

function meaningOf(
  written: string,
  reader: Linkable,
  all: readonly Linkable[],
  names: LinkNames,
): Meaning | undefined {
  const ref = parseImageRef(written);
  if (ref === undefined || ref.digest !== undefined) return undefined;
  const full = formatImageRef(parseTag(written) ?? ref);
  const tagged = all.filter(
    (one) => one.usualTag === written || one.tags?.some((tag) => canonical(tag) === full),
  );
  // A build that makes the very image it reads goes on from the last one.
  if (tagged.includes(reader)) return undefined;
  // Of several, the planner asks which one is meant.
  if (tagged.length > 0) return only(tagged, 'known');
  const others = all.filter((one) => one !== reader && one.isSingle);
  if (isBare(ref) && !isOfficial(lastOf(ref))) {
    const same = others.filter(({ build }) => build.name === written);
    if (same.length > 0) return only(same, 'known');
  }
  const unnamed = others.filter((one) => one.tags === undefined && !isSide(one.path ?? ''));
  return guess(ref, unnamed, names) ?? outsideOf(written, reader, all);
}

function outsideOf(written: string, reader: Linkable, all: readonly Linkable[]): Link | undefined {
  const ref = parseImageRef(written);
  if (ref === undefined || !isBare(ref) || !isOfficial(written)) return undefined;
  const owner = all.find((one) => one !== reader && one.build.name === written);
  return owner === undefined ? undefined : { reader, written, kind: 'outside', owner };
}

/** Tags that mean no particular release. */
const MOVING = /^(?:latest|dev|main|master|edge|nightly|local|current|snapshot|develop|trunk)$/;

function guess(ref: ImageRef, candidates: readonly Linkable[], names: LinkNames): Meaning | undefined {
  const name = lastOf(ref);
  const { tag = 'latest' } = ref;
  const isWhole = (one: Linkable): boolean => isCalled(one, [`${name}-${tag}`], names);
  const whole = candidates.filter(isWhole);
  if (isBare(ref) && isOfficial(name)) return tag === 'latest' ? undefined : only(whole, 'guess');
  const parts = ref.repository.split('/');
  const prefix = /^(.+?)[-_](.+)$/.exec(name);
  const wanted = [
    name,
    ...(parts.length > 2 ? [parts.slice(-2).join('-')] : []),
    ...(prefix !== null && names.owners.has(prefix[1] ?? '') ? [prefix[2] ?? ''] : []),
  ];
  const named = whole.length > 0 ? whole : candidates.filter((one) => isCalled(one, wanted, names));
  // Nowhere but here is there an image of such a name.
  if (isBare(ref) || isLocal(ref)) return only(named, 'guess');
  const isOurs = parts.slice(0, -1).some((part) => names.owners.has(part));
  // Another release of ours may well be meant.
  const isSure = isOurs && (whole.length > 0 || MOVING.test(tag));
  return only(named, isSure ? 'guess' : 'maybe');
}

function only(candidates: readonly Linkable[], kind: Link['kind']): Meaning | undefined {
  const [owner, second] = candidates;
  return owner === undefined || second !== undefined ? undefined : { kind, owner };
}

/** Whether the folders of its Dockerfile, from some folder on, or its own name, spell one of the names. */
function isCalled({ path, build }: Linkable, wanted: readonly string[], { repository }: LinkNames): boolean {
  const words = path === undefined ? [] : wordsOf(path);
  const spelled = words.map((_word, at) => words.slice(at).join('-'));
  // A repository of one image has its name above all folders.
  spelled.push([repository.toLowerCase().replace(/^docker-/, ''), ...words].join('-'), build.name);
  const all = new Set(spelled.map(plain));
  return wanted.some((name) => all.has(plain(name)));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** `node/22-slim/Dockerfile` and `node/Dockerfile.22-slim` are both `node` and `22-slim`. */
function wordsOf(path: string): readonly string[] {
  const parts = path.split('/');
  const file = parts.pop() ?? '';
  const [, front, , ending] =
    /^(?:(.+)\.)?(dockerfile|containerfile)(?:[.\-_](.+))?$/i.exec(file) ?? ([] as readonly string[]);
  return [...parts, ...(front === undefined ? [] : [front]), ...(ending === undefined ? [] : [ending])];
}

/**
 * No guess where its build goes back to its reader, or to an image of that name that is not made here: then the name means
 * the one outside.
 */
function dropDoubtful(links: readonly Link[], all: readonly Linkable[]): readonly Link[] {
  const named = new Map(all.map((one) => [one.build.name, one]));
  for (let left = links; ; ) {
    const made = new Map<Linkable, Map<string, Linkable>>();
    for (const { reader, written, kind, owner } of left) {
      if (kind === 'outside') continue;
      made.set(reader, (made.get(reader) ?? new Map<string, Linkable>()).set(written, owner));
    }
    const reached = (from: Linkable): ReadonlySet<Linkable> => {
      const seen = new Set([from]);
      for (const one of seen) {
        for (const name of one.edges) for (const to of [named.get(name) ?? []].flat()) seen.add(to);
        for (const to of made.get(one)?.values() ?? []) seen.add(to);
      }
      return seen;
    };
    const kept = left.filter(({ reader, written, owner, kind }) => {
      if (kind === 'known' || kind === 'outside') return true;
      const below = reached(owner);
      const image = repositoryOf(written);
      const isOutside = (one: Linkable): boolean =>
        (one.recipe?.images ?? []).some(
          (use) => repositoryOf(use.written) === image && made.get(one)?.has(use.written) !== true,
        );
      return !below.has(reader) && ![...below].some(isOutside);
    });
    if (kept.length === left.length) return kept;
    left = kept;
  }
}

function repositoryOf(written: string): string {
  const ref = parseImageRef(written);
  return ref === undefined ? written : `${ref.registry}/${ref.repository}`;
}

function canonical(tag: string): string | undefined {
  const ref = parseTag(tag);
  return ref === undefined ? undefined : formatImageRef(ref);
}

function lastOf({ repository }: ImageRef): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}

/** Without registry and owner. */
function isBare({ registry, repository }: ImageRef): boolean {
  return registry === 'docker.io' && repository.startsWith('library/');
}

function isLocal({ registry }: ImageRef): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::|$)/.test(registry);
}
