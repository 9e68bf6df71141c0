/** The ignore file of a context: which one is used, and its rules as the engine sees them. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type IgnoreRules, NO_RULES, parseIgnore } from '../dockerfile/mod.ts';
import { type PlanNode, type Problem, problem } from '../model/mod.ts';
import { followInside, readRegularFile } from '../system/mod.ts';
import { deniedProblem } from '../util/permission.ts';
import { statSignature } from '../util/stat-signature.ts';

/** The ignore rules of a context, or a problem with them. */
export type Ignore =
  | {
      readonly ok: true;
      readonly rules: IgnoreRules;
      /** Stat signature of their file before it was read; empty: there is none. */
      readonly signature: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Possible ignore files of a context; the first existing one is used. */
export function ignoreFilesOf(node: PlanNode, root: string, isMain: boolean): readonly string[] {
  const { dockerfile } = node.build;
  const general = path.join(root, '.dockerignore');
  return isMain && dockerfile.kind === 'file' ? [`${dockerfile.path}.dockerignore`, general] : [general];
}

/**
 * Reads the ignore rules of a context. `<Dockerfile>.dockerignore` next to the Dockerfile takes precedence over
 * `.dockerignore` in the context's root, but only for the main context (buildkit frontend/dockerui/config.go,
 * `MainContext` and `NamedContext`).
 *
 * @param root absolute path of the context
 */
export async function readIgnore(node: PlanNode, root: string, isMain: boolean): Promise<Ignore> {
  for (const file of ignoreFilesOf(node, root, isMain)) {
    try {
      const found = followInside(path.dirname(file), path.basename(file));
      if (found === undefined) continue;
      const signature = statSignature(await stat(found, { bigint: true }));
      const parsed = parseIgnore({ path: file, text: readRegularFile(found, MAX_BYTES).toString('utf8') });
      if (parsed.ok) return { ok: true, rules: parsed.value, signature };
      return { ok: false, problems: parsed.error };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      // BuildKit ignores a directory or a pipe of that name, without an error.
      if (code === 'ENOENT' || code === 'not-regular' || code === 'ENOTDIR' || code === 'EISDIR') continue;
      return {
        ok: false,
        problems: [
          deniedProblem(error) ?? problem('context/unreadable', `\`${file}\` cannot be read (${code})`),
        ],
      };
    }
  }
  return { ok: true, rules: NO_RULES, signature: '' };
}

const MAX_BYTES = 8 * 1024 * 1024;
