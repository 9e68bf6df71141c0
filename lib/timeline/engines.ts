/** The engines of a pool that a build ran on, as text. */
import type { BuildTimeline } from './timeline.ts';

/**
 * `b1, then b2 and b3`: first on `b1`, then on the other two, each of which built some of the platforms. Repeated
 * attempts on the same engines appear once.
 */
export function formatEngines(engines: NonNullable<BuildTimeline['engines']>): string {
  const attempts = engines.map((together) => together.join(' and '));
  return attempts.filter((text, at) => text !== attempts[at - 1]).join(', then ');
}
