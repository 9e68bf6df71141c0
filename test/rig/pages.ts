/** The pages of docs/, without what the site installs beside them, and what they show. */
import { readdirSync } from 'node:fs';
import { repoPath } from './paths.ts';

/** Paths below docs/, with `/` and in order: `api/calls.md`. */
export function listPages(): readonly string[] {
  return readdirSync(repoPath('docs'), { recursive: true })
    .map((name) => String(name).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.md') && !name.startsWith('.'))
    .sort();
}

/** A fenced block of a page. */
export interface FencedBlock {
  /** What stands behind the fence: a language, and often the name of a file. */
  readonly kind: string;
  readonly text: string;
}

/** The fenced blocks of a text that say what they are, in order. */
export function readFencedBlocks(text: string): readonly FencedBlock[] {
  return [...text.matchAll(/^```(\w[^\n]*)\n(.*?)^```$/gms)].map(([, kind = '', block = '']) => ({
    kind,
    text: block,
  }));
}
