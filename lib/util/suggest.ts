/** "Did you mean": the most similar known word, if it is similar enough. */

/**
 * The candidate that `word` is most likely a typo of; undefined if none is similar. Ignores `-`, `_` and case; a plural
 * s counts half. Ties go to the first candidate.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = fold(word);
  if (wanted === '') return undefined;
  let best: string | undefined;
  let bestDistance = limitFor(wanted);
  for (const candidate of candidates) {
    if (candidate === word) continue;
    const folded = fold(candidate);
    const distance = distanceOf(wanted, folded, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
      if (distance === 0) break;
    }
  }
  return best;
}

/** `did you mean "X"?` as a hint, or undefined. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = suggest(word, candidates);
  return found === undefined ? undefined : `Did you mean "${found}"?`;
}

/** One typo per three letters; for one or two letters only another spelling. */
function limitFor(word: string): number {
  return word.length < 3 ? 0.75 : Math.floor(word.length / 3) + 0.25;
}

function distanceOf(wanted: string, candidate: string, limit: number): number {
  if (candidate === wanted) return 0;
  if (candidate === `${wanted}s` || `${candidate}s` === wanted) return 0.5;
  const isStart = candidate.length >= 3 && wanted.length >= 3;
  if (isStart && (wanted.startsWith(candidate) || candidate.startsWith(wanted))) return 1;
  if (Math.abs(candidate.length - wanted.length) > limit) return Number.POSITIVE_INFINITY;
  return editDistance(wanted, candidate, limit);
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

/**
 * Edits (insert, delete, replace, swap of neighbours) between two words, the optimal string alignment distance. Stops
 * with a number above `limit` as soon as the limit must be exceeded.
 */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      current.push(cost);
      if (cost < least) least = cost;
    }
    if (least > limit) return least;
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
