/** The engines of a pool that a build ran on, as text. */
import type { BuildTimeline } from './timeline.ts';

/**
 * `b1, then b2 and b3`: it ran on the first one, and after that on the two others, each of which built some of its platforms.
 * Attempts on the same engines are said once.
 */
export function formatEngines(engines: NonNullable<BuildTimeline['engines']>): string {
  const attempts = engines.map((together) => together.join(' and '));
  return attempts.filter((text, at) => text !== attempts[at - 1]).join(', then ');
}
