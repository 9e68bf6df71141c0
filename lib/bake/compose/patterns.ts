/**
 * Rules by path: which of them holds for `services.web.build.args` is found step by step on the way down. `*` is any key
 * and any item of a list, `[]` only an item.
 */

/** How an item of a list is named in a path. */
export const ITEM = '[]';

interface Step<T> {
  readonly next: Map<string, Step<T>>;
  rule?: T;
}

/** Where one is in a table: rules that may still come. */
export interface Position<T> {
  readonly steps: readonly Step<T>[];
}

/** Rules by path pattern. */
export class PathTable<T> {
  readonly #root: Step<T> = { next: new Map() };

  constructor(rules: Iterable<readonly [pattern: string, rule: T]>) {
    for (const [pattern, rule] of rules) {
      let step = this.#root;
      for (const part of pattern.split('.')) {
        const known = step.next.get(part) ?? { next: new Map() };
        step.next.set(part, known);
        step = known;
      }
      step.rule = rule;
    }
  }

  /** The top of the file, or another place in it. */
  start(...path: readonly string[]): Position<T> {
    let position: Position<T> = { steps: [this.#root] };
    for (const key of path) position = down(position, key);
    return position;
  }
}

/** One key further down. */
export function down<T>(position: Position<T>, key: string): Position<T> {
  const steps: Step<T>[] = [];
  for (const step of position.steps) {
    const exact = step.next.get(key);
    if (exact !== undefined) steps.push(exact);
    const any = key === '*' ? undefined : step.next.get('*');
    if (any !== undefined) steps.push(any);
  }
  return { steps };
}

/** The rule that holds here, if there is one; the more exact where there are two. */
export function ruleAt<T>(position: Position<T>): T | undefined {
  return position.steps.find((step) => step.rule !== undefined)?.rule;
}

/** True where no rule holds here or further down. */
export function isBare<T>(position: Position<T>): boolean {
  return position.steps.length === 0;
}
