/** A plan as boxes and arrows, independent of the output format. */
import type { Edge, Plan, PlanNode } from '../model/mod.ts';

/** The meaning of an arrow: one image is based on another, files are copied from it, or it only has to be built first. */
export type ArrowKind = 'based' | 'copied' | 'order';

/** One build, or several that are drawn as one. */
export interface Box {
  /** Names of the builds, in the order of the plan. */
  readonly builds: readonly string[];
  readonly isAsked: boolean;
  readonly isPushed: boolean;
  /** The matrix build to which it belongs. */
  readonly matrix?: string;
}

/** An arrow in build order. Both ends are indexes into the list of boxes; `from` is built first. */
export interface Arrow {
  readonly from: number;
  readonly to: number;
  readonly kind: ArrowKind;
}

/** A graph. Each box comes after those with arrows to it. */
export interface Picture {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** A box for each build, an arrow for each dependency. */
export function pictureOf(plan: Plan): Picture {
  const places = new Map([...plan.nodes.keys()].map((name, at) => [name, at]));
  const boxes = [...plan.nodes.values()].map(boxOf);
  const arrows = [...plan.nodes.values()].flatMap(({ edges }, to) =>
    needsOf(edges).flatMap(({ name, kind }): Arrow[] => {
      const from = places.get(name);
      return from === undefined ? [] : [{ from, to, kind }];
    }),
  );
  return { boxes, arrows };
}

function boxOf({ build, role, pushes }: PlanNode): Box {
  return {
    builds: [build.name],
    isAsked: role === 'asked',
    isPushed: pushes,
    ...(build.matrix === undefined ? {} : { matrix: build.matrix.name }),
  };
}

/** The dependencies of a build; if there are several reasons for one, the strongest. */
function needsOf(edges: readonly Edge[]): readonly { readonly name: string; readonly kind: ArrowKind }[] {
  const kinds = new Map<string, ArrowKind>();
  for (const edge of edges) {
    const kind = kindOf(edge);
    const known = kinds.get(edge.to);
    if (known === undefined || STRENGTH[kind] > STRENGTH[known]) kinds.set(edge.to, kind);
  }
  return [...kinds].map(([name, kind]) => ({ name, kind }));
}

const STRENGTH: Readonly<Record<ArrowKind, number>> = { based: 2, copied: 1, order: 0 };

function kindOf({ reason, use }: Edge): ArrowKind {
  if (reason === 'needs') return 'order';
  const done = use ?? reason;
  return done === 'copy' || done === 'mount' ? 'copied' : 'based';
}

/** Combines builds of the same kind that have the same dependencies and the same dependents into one box. */
export function foldAlike({ boxes, arrows }: Picture): Picture {
  const ins = boxes.map((): string[] => []);
  const outs = boxes.map((): string[] => []);
  for (const { from, to, kind } of arrows) {
    ins[to]?.push(`${from} ${kind}`);
    outs[from]?.push(`${to} ${kind}`);
  }
  const groups = new Map<string, number[]>();
  boxes.forEach(({ isAsked, isPushed }, at) => {
    const key = JSON.stringify([ins[at]?.sort(), outs[at]?.sort(), isAsked, isPushed]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [at]);
    else known.push(at);
  });
  const placeOf = new Map([...groups.values()].flatMap((some, place) => some.map((at) => [at, place])));
  const folded = [...groups.values()].map((some): Box => {
    const members = some.flatMap((at) => boxes[at] ?? []);
    const [{ isAsked, isPushed } = { isAsked: false, isPushed: false }] = members;
    return { builds: members.flatMap(({ builds }) => builds), isAsked, isPushed };
  });
  const joined = new Map<string, Arrow>();
  for (const { kind, ...ends } of arrows) {
    const from = placeOf.get(ends.from) ?? 0;
    const to = placeOf.get(ends.to) ?? 0;
    joined.set(`${from} ${to}`, { from, to, kind });
  }
  return { boxes: folded, arrows: [...joined.values()] };
}

/** Removes arrows whose order already follows from a longer path. */
export function withoutImplied({ boxes, arrows }: Picture): Picture {
  const needs = boxes.map((): number[] => []);
  for (const { from, to } of arrows) needs[to]?.push(from);
  const words = Math.ceil(boxes.length / 32);
  // All boxes that come before each box, directly or not. Folding keeps the order.
  const after = boxes.map(() => new Uint32Array(words));
  const implied = boxes.map(() => new Uint32Array(words));
  boxes.forEach((_, at) => {
    for (const need of needs[at] ?? []) {
      const [mine, over, theirs] = [after[at], implied[at], after[need]];
      if (mine === undefined || over === undefined || theirs === undefined) continue;
      for (let word = 0; word < words; word++) {
        over[word] = (over[word] ?? 0) | (theirs[word] ?? 0);
        mine[word] = (mine[word] ?? 0) | (theirs[word] ?? 0);
      }
      mine[need >> 5] = (mine[need >> 5] ?? 0) | (1 << (need & 31));
    }
  });
  const isImplied = ({ from, to }: Arrow) => ((implied[to]?.[from >> 5] ?? 0) & (1 << (from & 31))) !== 0;
  return { boxes, arrows: arrows.filter((arrow) => !isImplied(arrow)) };
}

/** The label of a box: its name, or the first name and the number of others. */
export function labelOf({ builds }: Box): string {
  const [first = ''] = builds;
  return builds.length === 1 ? first : `${first} and ${builds.length - 1} more`;
}

/** Explains the lines and boxes that occur in the picture. */
export function legendOf({ boxes, arrows }: Picture): readonly string[] {
  const has = (kind: ArrowKind) => arrows.some((one) => one.kind === kind);
  return [
    ...(has('copied') ? ['dashed arrow: only files are copied'] : []),
    ...(boxes.some(({ isAsked }) => !isAsked) ? ['round: dependency that was not requested'] : []),
    ...(boxes.some(({ isPushed }) => isPushed) ? ['thick: pushed'] : []),
    ...(boxes.some(({ builds }) => builds.length > 1)
      ? ['"and 3 more": builds with the same needs and the same readers']
      : []),
  ];
}
