/** The ignore file of a context: which one counts, and what it says, as the engine sees it. */
import { lstat, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { type IgnoreRules, NO_RULES, parseIgnore } from '../dockerfile/mod.ts';
import { type PlanNode, type Problem, problem } from '../model/mod.ts';
import { readRegularFile } from '../system/mod.ts';
import { statSignature } from '../util/stat-signature.ts';

/** The ignore rules of a context, or what is wrong with them. */
export type Ignore =
  | {
      readonly ok: true;
      readonly rules: IgnoreRules;
      /** Of the file that they are from, taken before it was read; empty: there is none. */
      readonly signature: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Where the ignore rules of a context are looked for; the first that is there counts. */
export function ignoreFilesOf(node: PlanNode, root: string, isMain: boolean): readonly string[] {
  const { dockerfile } = node.build;
  const general = path.join(root, '.dockerignore');
  return isMain && dockerfile.kind === 'file' ? [`${dockerfile.path}.dockerignore`, general] : [general];
}

/**
 * Reads the ignore rules of a context. `<Dockerfile>.dockerignore` beside the Dockerfile goes before `.dockerignore` in
 * the context's root, for the main context only (buildkit frontend/dockerui/config.go, `MainContext` and `NamedContext`).
 *
 * @param root absolute path of the context
 */
export async function readIgnore(node: PlanNode, root: string, isMain: boolean): Promise<Ignore> {
  for (const file of ignoreFilesOf(node, root, isMain)) {
    try {
      const found = await followInside(path.dirname(file), path.basename(file));
      if (found === undefined) continue;
      const signature = statSignature(await stat(found, { bigint: true }));
      const parsed = parseIgnore({ path: file, text: readRegularFile(found, MAX_BYTES).toString('utf8') });
      if (parsed.ok) return { ok: true, rules: parsed.value, signature };
      return { ok: false, problems: parsed.error };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      // A directory, or a pipe, is not an ignore file to BuildKit, and not a fault either.
      if (code === 'ENOENT' || code === 'not-regular' || code === 'ENOTDIR' || code === 'EISDIR') continue;
      return {
        ok: false,
        problems: [problem('context/unreadable', `\`${file}\` cannot be read (${code})`)],
      };
    }
  }
  return { ok: true, rules: NO_RULES, signature: '' };
}

const MAX_LINKS = 255;

const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Where a symlink leads as the engine sees it: it has only what lies in the directory, which is its root. Undefined:
 * nowhere (measured: an ignore file that points out of its context leaves nothing out).
 */
async function followInside(root: string, name: string): Promise<string | undefined> {
  let rest = [name];
  let at: string[] = [];
  for (let links = 0; ; ) {
    const [part, ...after] = rest;
    if (part === undefined) return path.join(root, ...at);
    rest = after;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const full = path.join(root, ...at, part);
    if (!(await lstat(full)).isSymbolicLink()) {
      at.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = await readlink(full);
    if (target.startsWith('/')) at = [];
    rest = [...target.split('/'), ...rest];
  }
}
