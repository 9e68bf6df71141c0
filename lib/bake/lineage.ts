/** How targets inherit from one another, as a whole. */
import { type Problem, problem } from '../model/mod.ts';
import { type Circle, findCircles } from './circles.ts';
import type { Draft } from './draft.ts';

/** No target inherits over so many others; deeper is a mistake, or meant to exhaust the stack. */
const DEEPEST = 200;

/** What is known of the targets of a circle. */
interface Line {
  /** They, or targets above them, lead back. */
  readonly isCyclic: boolean;
  /** How many targets are on the longest way up, they among them. */
  readonly depth: number;
  readonly tooDeep?: Problem;
}

/** Where parents lead. */
export class Lineage {
  readonly #targets: ReadonlyMap<string, Draft>;
  readonly #lines = new Map<string, Line>();

  constructor(targets: ReadonlyMap<string, Draft>) {
    this.#targets = targets;
    const graph = new Map(Array.from(targets, ([name, { inherits }]) => [name, inherits] as const));
    for (const circle of findCircles(graph)) this.#add(circle);
  }

  /** Whether parents of a target, or of one of its parents, lead back. */
  isCyclic(name: string): boolean {
    return this.#lines.get(name)?.isCyclic === true;
  }

  /** What is wrong where too many targets are above one: the same for all that are below the first of these. */
  tooDeep(name: string): Problem | undefined {
    return this.#lines.get(name)?.tooDeep;
  }

  #add({ names, isCyclic: isCircle }: Circle): void {
    let isCyclic = isCircle;
    let above = 0;
    let tooDeep: Problem | undefined;
    for (const name of names)
      for (const parent of this.#targets.get(name)?.inherits ?? []) {
        // Those of the circle itself are not known yet.
        const line = this.#lines.get(parent);
        if (line === undefined) continue;
        if (line.isCyclic) isCyclic = true;
        above = Math.max(above, line.depth);
        tooDeep ??= line.tooDeep;
      }
    const depth = above + names.length;
    if (depth - 1 > DEEPEST) tooDeep ??= describe(this.#targets.get(names[0] ?? ''));
    const line: Line = { isCyclic, depth, ...(tooDeep === undefined ? {} : { tooDeep }) };
    for (const name of names) this.#lines.set(name, line);
  }
}

function describe(draft: Draft | undefined): Problem {
  const place = draft?.place;
  return problem(
    'bake/target',
    `Target "${draft?.name ?? ''}" inherits through more than ${DEEPEST} targets`,
    {
      hint: 'Merge some of the targets it inherits from.',
      ...(place === undefined ? {} : { span: place }),
    },
  );
}
