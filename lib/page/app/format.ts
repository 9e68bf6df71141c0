/** Numbers as the page writes them. */
import { formatBytes, plural } from '../../report/units.ts';
import { formatDuration } from '../../util/duration.ts';

export { formatBytes, formatDuration, plural };

/** With its sign: `+1.2 MB`, `−300 kB`; `same` for none. */
export function formatDelta(bytes: number): string {
  if (bytes === 0) return 'same';
  return `${bytes > 0 ? '+' : '−'}${formatBytes(Math.abs(bytes))}`;
}

/** `40%` */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** The middle goes, since both ends of a name tell it from others. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - half)}…${text.slice(text.length - half)}`;
}

/** The name of a step without the number in front and with its spaces in order: `RUN npm ci`. */
export function shortStep(name: string): string {
  return name.replace(/^\[[^\]]*\]\s*/, '').replaceAll(/\s+/g, ' ');
}
