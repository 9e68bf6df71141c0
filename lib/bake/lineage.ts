/** How targets inherit from one another. */
import { type Problem, problem } from '../model/mod.ts';
import { type Circle, findCircles } from './circles.ts';
import type { Draft } from './draft.ts';

/** Maximum depth of inheritance; deeper is a mistake, or an attempt to exhaust the stack. */
const DEEPEST = 200;

/** Properties of the targets of a cycle. */
interface Line {
  /** They, or targets above them, are in a cycle. */
  readonly isCyclic: boolean;
  /** Number of targets on the longest path upwards, including them. */
  readonly depth: number;
  readonly tooDeep?: Problem;
}

/** The ancestors of targets. */
export class Lineage {
  readonly #targets: ReadonlyMap<string, Draft>;
  readonly #lines = new Map<string, Line>();

  constructor(targets: ReadonlyMap<string, Draft>) {
    this.#targets = targets;
    const graph = new Map(Array.from(targets, ([name, { inherits }]) => [name, inherits] as const));
    for (const circle of findCircles(graph)) this.#add(circle);
  }

  /** Whether a target or one of its ancestors is in a cycle. */
  isCyclic(name: string): boolean {
    return this.#lines.get(name)?.isCyclic === true;
  }

  /** The problem if a target has too many levels of ancestors: the same one for all targets below the first of these. */
  tooDeep(name: string): Problem | undefined {
    return this.#lines.get(name)?.tooDeep;
  }

  #add({ names, isCyclic: isCircle }: Circle): void {
    let isCyclic = isCircle;
    let above = 0;
    let tooDeep: Problem | undefined;
    for (const name of names)
      for (const parent of this.#targets.get(name)?.inherits ?? []) {
        // Those of the same cycle are not known yet.
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
