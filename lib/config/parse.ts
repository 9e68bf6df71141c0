/** Text to tree: tries the fast reader first, and otherwise uses the `yaml` package. */
import { type Problem, problem } from '../model/mod.ts';
import type { Node, Origin } from './tree.ts';
import { readFast } from './yaml/fast.ts';
import { readFully } from './yaml/full.ts';

/** Maximum size of a file in characters: some ten times a file with 5,000 builds. */
export const MAX_FILE_CHARS: number = 8 * 1024 * 1024;

/** Parses YAML or JSON (a subset of YAML). The node is undefined for an empty document or if it cannot be parsed. */
export async function parseText(
  origin: Origin,
): Promise<{ readonly node?: Node; readonly problems: readonly Problem[] }> {
  const { source } = origin;
  if (source.text.length > MAX_FILE_CHARS) {
    return { problems: [tooBig(source.path, source.text.length)] };
  }
  const node = readFast(origin);
  if (node !== undefined) return { node, problems: [] };
  return readFully(origin);
}

/** The problem of a file that exceeds {@link MAX_FILE_CHARS}; `size` in bytes or characters. */
export function tooBig(path: string, size: number): Problem {
  const mebibytes = (size / 1024 / 1024).toFixed(1);
  return problem('config/file-too-big', `${path} has ${mebibytes} MiB; a builds file may have 8 MiB`, {
    hint: 'Check that it is the right file. Use a matrix for repeated builds, or split the file with `include`.',
  });
}
