/** How targets inherit from one another, as a whole: found once, in the time of reading it. */
import { type Problem, problem } from '../model/mod.ts';
import type { Draft } from './draft.ts';

/** No target inherits over so many others; deeper is a mistake, or meant to exhaust the stack. */
export const DEEPEST_INHERITANCE = 200;

/** Targets that inherit from one another in a circle; mostly one that does not. */
interface Circle {
  readonly isCyclic: boolean;
  /** How many targets are on the longest way up, itself among them. */
  readonly depth: number;
  readonly tooDeep?: Problem;
}

/** What is known of a target while the others are walked through (R. Tarjan, "Depth-first search and linear graph algorithms"). */
interface Visit {
  readonly draft: Draft;
  readonly index: number;
  low: number;
  next: number;
}

/** Where parents lead. */
export class Lineage {
  readonly #targets: ReadonlyMap<string, Draft>;
  readonly #circles = new Map<string, Circle>();

  constructor(targets: ReadonlyMap<string, Draft>) {
    this.#targets = targets;
    const visits = new Map<string, Visit>();
    for (const draft of targets.values()) if (!visits.has(draft.name)) this.#walk(draft, visits);
  }

  /** Whether parents of a target, or of one of its parents, lead back. */
  isCyclic(name: string): boolean {
    return this.#circles.get(name)?.isCyclic === true;
  }

  /** What is wrong where too many targets are above one: the same for all that are below the first of these. */
  tooDeep(name: string): Problem | undefined {
    return this.#circles.get(name)?.tooDeep;
  }

  /** With a stack of its own: it may be as deep as files are long. */
  #walk(start: Draft, visits: Map<string, Visit>): void {
    const open: Visit[] = [];
    const way: Visit[] = [];
    const enter = (draft: Draft): void => {
      const visit = { draft, index: visits.size, low: visits.size, next: 0 };
      visits.set(draft.name, visit);
      open.push(visit);
      way.push(visit);
    };
    enter(start);
    for (let visit = way.at(-1); visit !== undefined; visit = way.at(-1)) {
      const parent = visit.draft.inherits[visit.next];
      visit.next += 1;
      if (parent !== undefined) {
        const draft = this.#targets.get(parent);
        const known = visits.get(parent);
        if (draft !== undefined && known === undefined) enter(draft);
        else if (known !== undefined && !this.#circles.has(parent))
          visit.low = Math.min(visit.low, known.index);
        continue;
      }
      way.pop();
      const below = way.at(-1);
      if (below !== undefined) below.low = Math.min(below.low, visit.low);
      if (visit.low === visit.index) this.#close(open.splice(open.lastIndexOf(visit)));
    }
  }

  #close(members: readonly Visit[]): void {
    const names = new Set(members.map(({ draft }) => draft.name));
    const [first] = members as [Visit];
    let isCyclic = members.length > 1 || first.draft.inherits.includes(first.draft.name);
    let above = 0;
    let tooDeep: Problem | undefined;
    for (const { draft } of members)
      for (const parent of draft.inherits) {
        const circle = names.has(parent) ? undefined : this.#circles.get(parent);
        if (circle === undefined) continue;
        if (circle.isCyclic) isCyclic = true;
        above = Math.max(above, circle.depth);
        tooDeep ??= circle.tooDeep;
      }
    const depth = above + members.length;
    if (depth - 1 > DEEPEST_INHERITANCE) tooDeep ??= describe(first.draft);
    const circle: Circle = { isCyclic, depth, ...(tooDeep === undefined ? {} : { tooDeep }) };
    for (const name of names) this.#circles.set(name, circle);
  }
}

function describe({ name, place }: Draft): Problem {
  return problem('bake/target', `Target "${name}" inherits over more than ${DEEPEST_INHERITANCE} targets`, {
    hint: 'Let it inherit from fewer, each of which says more.',
    ...(place === undefined ? {} : { span: place }),
  });
}
