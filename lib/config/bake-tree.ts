/** Targets and groups of bake as a tree of builds: final values with their places in the files. */
import type { BakeTarget } from '../bake/mod.ts';
import { type Json, narrowSpan, type Problem, type SourceFile, type Span } from '../model/mod.ts';
import type { ConvertedBuild } from '../targets/mod.ts';
import { emptyMap, type ListNode, type MapEntry, type MapNode, type Node, type Origin } from './tree.ts';

/** A group with its members. */
export interface BakeMembers {
  readonly members: readonly string[];
  readonly description?: string;
  readonly place?: Span;
  /** Its problems. */
  readonly mistakes?: readonly Problem[];
}

/** Creates nodes with places. */
interface BakeTree {
  /** Base of relative paths at a place. */
  readonly dirOf: (span: Span | undefined) => string;
  readonly rootOf: (
    targets: ReadonlyMap<string, BakeTarget>,
    converted: ReadonlyMap<string, ConvertedBuild>,
    groups: ReadonlyMap<string, BakeMembers>,
  ) => MapNode;
}

/**
 * Creates nodes with the places of their values in the files.
 *
 * @param shown the file as named in messages
 */
export function createTree(read: readonly Origin[], shown: (source: SourceFile) => SourceFile): BakeTree {
  const origins = new Map<SourceFile, Origin>(read.map((origin) => [origin.source, origin]));
  const fallback = read[0] as Origin;
  const placeOf = (span: Span | undefined) => {
    if (span === undefined) return { origin: fallback, start: -1, end: -1 };
    const source = shown(span.source);
    const origin = origins.get(source) ?? { source, dir: fallback.dir };
    origins.set(source, origin);
    return { origin, start: span.start, end: span.end };
  };

  function nodeOf(value: Json, span: Span | undefined): Node {
    if (Array.isArray(value)) {
      const items = value.map((item: Json) => nodeOf(item, span));
      return { kind: 'list', items, ...placeOf(span) } satisfies ListNode;
    }
    if (value !== null && typeof value === 'object')
      return mapOf(
        Object.entries(value).map(([key, inner]) => [key, nodeOf(inner, span), span]),
        span,
      );
    const place = placeOf(typeof value === 'string' && span !== undefined ? narrowSpan(span, value) : span);
    const scalar = value as string | number | boolean | null;
    return { kind: 'scalar', value: scalar, text: String(scalar), plain: false, literal: true, ...place };
  }

  function mapOf(
    entries: readonly (readonly [key: string, value: Node, at: Span | undefined])[],
    span: Span | undefined,
  ): MapNode {
    const own = placeOf(span);
    const made = entries.map(([key, value, at]): [string, MapEntry] => {
      const { origin, start, end } = placeOf(at);
      const foreign = origin === own.origin ? {} : { keyOrigin: origin };
      return [key, { key, keyStart: start, keyEnd: end, ...foreign, value }];
    });
    return { kind: 'map', entries: new Map(made), ...own };
  }

  function buildOf(target: BakeTarget, { keys }: ConvertedBuild): MapNode {
    return mapOf(
      [...keys].map(([key, { value, from }]) => {
        const span = target.places.get(from) ?? target.place;
        return [key, nodeOf(value, span), span];
      }),
      target.place,
    );
  }

  return {
    dirOf: (span: Span | undefined): string => placeOf(span).origin.dir,
    rootOf: (
      targets: ReadonlyMap<string, BakeTarget>,
      converted: ReadonlyMap<string, ConvertedBuild>,
      groups: ReadonlyMap<string, BakeMembers>,
    ): MapNode => {
      const builds = [...targets].flatMap(([name, target]) => {
        const build = converted.get(name);
        return build === undefined ? [] : [[name, buildOf(target, build), target.place] as const];
      });
      const listed = [...groups].map(([name, { members, description, place }]) => {
        const body = { builds: members, ...(description === undefined ? {} : { description }) };
        return [name, nodeOf(body, place), place] as const;
      });
      // It needs a place: values without one come from modules and may contain expressions.
      const start: Span = { source: fallback.source, start: 0, end: 0 };
      return {
        ...emptyMap(fallback),
        ...mapOf(
          [
            ['builds', mapOf(builds, start), start],
            ['groups', mapOf(listed, start), start],
          ],
          start,
        ),
      };
    },
  };
}
