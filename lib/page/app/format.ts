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

/** Shortens in the middle, because both ends of a name distinguish it. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - half)}…${text.slice(text.length - half)}`;
}

/** The name of a step without its number and with normalised spaces: `RUN npm ci`. */
export function shortStep(name: string): string {
  return name.replace(/^\[[^\]]*\]\s*/, '').replaceAll(/\s+/g, ' ');
}
