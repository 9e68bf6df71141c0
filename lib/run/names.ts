/**
 * Names in the engine's own image store for results that no tag names: one stable name for each build of a project, so
 * that a later result replaces the earlier one and nothing piles up.
 *
 * The host refuses connections at once, which is the point: BuildKit asks the registry first and falls back to its
 * store on any error (buildkit util/resolver/pool.go), so the lookup costs nothing and ordinary `FROM` lines stay fresh.
 */
import { createHash } from 'node:crypto';

const HOST = '127.0.0.1:1';

/** The store name of a build's result. */
export function storeName(root: string, build: string): string {
  const project = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const safe = build
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const mark = safe === build ? '' : `-${createHash('sha256').update(build).digest('hex').slice(0, 8)}`;
  return `${HOST}/bake/${safe === '' ? 'build' : safe}${mark}:${project}`;
}
