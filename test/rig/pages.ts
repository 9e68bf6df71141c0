/** The pages of docs/, without what the site installs beside them. */
import { readdirSync } from 'node:fs';
import { repoPath } from './paths.ts';

/** Paths below docs/, with `/` and in order: `api/calls.md`. */
export function listPages(): readonly string[] {
  return readdirSync(repoPath('docs'), { recursive: true })
    .map((name) => String(name).replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.md') && !name.startsWith('.'))
    .sort();
}
