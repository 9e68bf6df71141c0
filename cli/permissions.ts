/**
 * Requests the runtime permissions that a command certainly needs before it starts, so that all are reported at once.
 * See docs/permissions.md.
 */
import path from 'node:path';
import { findMissing, isPermitted } from '../lib/system/mod.ts';
import type { Permission, PermissionProblem } from '../lib/util/permission.ts';
import { isSet, listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Commands that need no permissions up front: they print built-in data or read named files. */
const NEED_NOTHING: ReadonlySet<string> = new Set(['schema', 'completion', 'docs', 'why', 'import', 'init']);
/** Commands that do not use the files of a directory. */
const NEED_NO_FILES: ReadonlySet<string> = new Set(['inspect', 'digest', 'tag', 'copy', 'images', 'engine']);
/** Commands that show the state of earlier runs. */
const READ_STATE: ReadonlySet<string> = new Set(['explain', 'history', 'logs', 'report']);
/** Commands that build. */
const BUILD: ReadonlySet<string> = new Set(['run', 'bake', 'verify']);

/** `system/permission` if the command cannot start. */
export async function findMissingFor(
  name: string,
  args: ParsedArgs,
  io: Io,
): Promise<PermissionProblem | undefined> {
  const [verb = ''] = name.split(' ');
  if (NEED_NOTHING.has(verb)) return undefined;
  const sure: Permission[] = [{ kind: 'env' }];
  if (!NEED_NO_FILES.has(verb)) {
    const files = listOf(args, 'file').filter((file) => file !== '-');
    const paths = files.length > 0 ? files.map((file) => path.resolve(io.cwd, file)) : [io.cwd];
    sure.push(...paths.map((what): Permission => ({ kind: 'read', what })));
  }
  if (READ_STATE.has(verb) && isPermitted({ kind: 'env' })) {
    const { stateDirectory } = await import('../lib/state/mod.ts');
    sure.push({ kind: 'read', what: stateDirectory(io.env) });
  }
  // If no permission was granted at all, also report those that are needed later.
  const isBare = !sure.some(isPermitted);
  const later: readonly Permission[] =
    isBare && BUILD.has(verb) && !isSet(args, 'print')
      ? [{ kind: 'write' }, { kind: 'net' }, { kind: 'run', what: 'buildctl' }]
      : [];
  return findMissing([...sure, ...later]);
}
