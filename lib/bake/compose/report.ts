/** Problems of Compose files, collected as they are found. */
import { type Problem, problem, type Span } from '../../model/mod.ts';

/** Collects problems. Reading continues after each, so that all are reported at once. */
export class Report {
  readonly problems: Problem[] = [];
  readonly #known = new Set<string>();
  readonly #places = new Set<string>();

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
    if (span !== undefined) this.#places.add(placeOf(span));
    this.problems.push(found);
  }

  /** Whether something is wrong with the value at a place: what else a check finds there comes from that. */
  knows(span: Span): boolean {
    return this.#places.has(placeOf(span));
  }

  /** What is wrong, in the order of the files and their lines. */
  sorted(): readonly Problem[] {
    const paths = [...new Set(this.problems.map(({ span }) => span?.source.path))];
    const rank = ({ span }: Problem): number => paths.indexOf(span?.source.path);
    return [...this.problems].sort(
      (a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0),
    );
  }

  /** True where something is wrong. */
  get isWrong(): boolean {
    return this.problems.length > 0;
  }
}

function placeOf({ source, start, end }: Span): string {
  return `${start}:${end}:${source.path}`;
}
