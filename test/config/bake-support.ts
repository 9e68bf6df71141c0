/** Sets read from bake and Compose files that are written for one test. */
import assert from 'node:assert/strict';
import type { BuildSet } from '../../lib/model/mod.ts';
import { selectBuilds } from '../../lib/plan/mod.ts';
import { findMistakes } from '../../lib/prepare/mod.ts';
import { line, type Reading, read } from './support.ts';

/** The set; fails the test with all problems if there is none. */
export async function setOf(
  tree: Readonly<Record<string, string>>,
  reading: Reading = {},
): Promise<BuildSet> {
  const result = await read('', { tree, ...reading });
  assert(result.ok, result.ok ? '' : result.error.map(line).join('\n'));
  return result.value.set;
}

/** Problems; where nothing is wrong with all of it, warnings, and what is wrong with single targets and groups. */
export async function problemsIn(
  tree: Readonly<Record<string, string>>,
  reading: Reading = {},
): Promise<readonly string[]> {
  const result = await read('', { tree, ...reading });
  return (result.ok ? [...result.value.warnings, ...findMistakes(result.value.set)] : result.error).map(line);
}

/** What patterns select. */
export function chosen(set: BuildSet, ...patterns: readonly string[]): readonly string[] {
  const selected = selectBuilds(set, { patterns });
  assert(selected.ok, JSON.stringify(selected));
  return [...selected.value];
}
