/** What a command surely needs of the runtime, asked for before it starts, so that all of it is said at once. docs/permissions.md. */
import path from 'node:path';
import { findMissing, isPermitted } from '../lib/system/mod.ts';
import type { Permission, PermissionProblem } from '../lib/util/permission.ts';
import { isSet, listOf, type ParsedArgs } from './args.ts';
import type { Io } from './io.ts';

/** Commands that only print what they have with them, or read what they are given. */
const NEED_NOTHING: ReadonlySet<string> = new Set(['schema', 'completion', 'docs', 'why', 'import', 'init']);
/** Commands that have nothing to do with the files of a directory. */
const NEED_NO_FILES: ReadonlySet<string> = new Set(['inspect', 'digest', 'tag', 'copy', 'images', 'engine']);
/** Commands that say what earlier runs left. */
const READ_STATE: ReadonlySet<string> = new Set(['explain', 'history', 'logs', 'report']);
/** Commands that make builds. */
const BUILD: ReadonlySet<string> = new Set(['run', 'bake', 'verify']);

/** `system/permission`, where a command could not begin. */
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
  // Started with nothing at all: then what it will come to is said, too.
  const isBare = !sure.some(isPermitted);
  const later: readonly Permission[] =
    isBare && BUILD.has(verb) && !isSet(args, 'print')
      ? [{ kind: 'write' }, { kind: 'net' }, { kind: 'run', what: 'buildctl' }]
      : [];
  return findMissing([...sure, ...later]);
}
