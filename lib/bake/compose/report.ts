/** Problems of Compose files, collected as they are found. */
import { type Problem, problem, type Span } from '../../model/mod.ts';

/** Where problems go; reading goes on behind them, so that all are told at once. */
export class Report {
  readonly problems: Problem[] = [];
  readonly #known = new Set<string>();

  /** Notes what is wrong at a place, once. */
  add(span: Span | undefined, message: string, hint?: string): void {
    this.take(
      problem('bake/compose', message, {
        ...(span === undefined ? {} : { span }),
        ...(hint === undefined ? {} : { hint }),
      }),
    );
  }

  /** Notes a problem that was made elsewhere, once. */
  take(found: Problem): void {
    const { span } = found;
    const key = `${span?.source.path}:${span?.start}:${found.message}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.problems.push(found);
  }

  /** True where something is wrong. */
  get isWrong(): boolean {
    return this.problems.length > 0;
  }
}
