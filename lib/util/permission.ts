/**
 * Permissions of the runtime: Deno grants none by default, Node removes them with `--permission`
 * (https://docs.deno.com/runtime/fundamentals/security/, https://nodejs.org/docs/latest-v24.x/api/permissions.html). A
 * file that may not be read is not the same as a missing file: this module distinguishes them, and reports a missing
 * permission with the flag that grants it.
 */
import { shellWord } from './shell.ts';

/** Kinds of permissions. `all`: what Deno grants only with `-A`, such as `/proc`. */
export type PermissionKind = 'read' | 'write' | 'env' | 'run' | 'net' | 'sys' | 'worker' | 'all';

/** Something that this process may need permission for. */
export interface Permission {
  readonly kind: PermissionKind;
  /** A path, a variable, a program, `HOST:PORT`, or one of Deno's names for facts about the system; undefined: anything. */
  readonly what?: string;
}

/** `system/permission` as a problem. A type of its own, because this package knows nothing of `Problem`. */
export interface PermissionProblem {
  /** Always this value. */
  readonly severity: 'error';
  /** Always this value. */
  readonly code: 'system/permission';
  /** What is not permitted, and the flags that permit it. */
  readonly message: string;
  /** Where flags stand. */
  readonly hint: string;
}

/** Whether this is Deno. */
export const IS_DENO: boolean = 'Deno' in globalThis;

/** Node's permission names in errors (src/permission/permission.cc), with bake-ts's kind and the name for `process.permission.has`. */
export const NODE_NAMES: Readonly<Record<string, readonly [PermissionKind, string]>> = {
  FileSystemRead: ['read', 'fs.read'],
  FileSystemWrite: ['write', 'fs.write'],
  ChildProcess: ['run', 'child'],
  WorkerThreads: ['worker', 'worker'],
  Net: ['net', 'net'],
};

/** Limit for chains of causes. */
const MOST_CAUSES = 5;

/**
 * The permissions that an error of the runtime reports as missing.
 *
 * @returns undefined for other errors
 */
export function missingPermissions(error: unknown, depth = 0): readonly Permission[] | undefined {
  if (!(error instanceof Error) || depth > MOST_CAUSES) return undefined;
  if (error instanceof NotPermitted) return error.missing;
  const own = error.name === 'NotCapable' ? ofDeno(error) : ofCode(error);
  if (own !== undefined) return own;
  const inner = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  for (const one of [...inner, error.cause]) {
    const found = missingPermissions(one, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Any path, because symlinks may only be created with unrestricted permissions. */
const ALL_FILES: readonly Permission[] = [{ kind: 'read' }, { kind: 'write' }];

function ofDeno({ message }: Error): readonly Permission[] {
  const [, kind, what] =
    /^Requires (read|write|env|run|net|sys|all) access(?: to "(.*)")?, run again/s.exec(message) ?? [];
  if (kind === 'all') return [{ kind }];
  if (kind !== undefined) return [permission(kind as PermissionKind, what)];
  if (message.includes('--allow-read and --allow-write')) return ALL_FILES;
  // LD_PRELOAD and the like let a program do anything, so permission for a list of programs is not enough.
  return message.includes('--allow-run') ? [{ kind: 'run' }] : [{ kind: 'all' }];
}

function ofCode(error: NodeJS.ErrnoException): readonly Permission[] | undefined {
  // Deno's error for a name that may not be resolved.
  if (IS_DENO && error.code === 'EPERM' && error.syscall === 'getaddrinfo') {
    const named = 'hostname' in error ? error.hostname : undefined;
    const host = typeof named === 'string' ? named : /EPERM (\S+)$/.exec(error.message)?.[1];
    return [permission('net', host)];
  }
  if (error.code !== 'ERR_ACCESS_DENIED') return undefined;
  const name = 'permission' in error ? String(error.permission) : '';
  const resource = 'resource' in error && error.resource !== '' ? String(error.resource) : undefined;
  const [kind] = NODE_NAMES[name] ?? [];
  if (kind === undefined) return ALL_FILES;
  return [permission(kind, kind === 'worker' ? undefined : resource)];
}

function permission(kind: PermissionKind, what: string | undefined): Permission {
  return { kind, ...(what === undefined || what === '' ? {} : { what }) };
}

/** The problem for an error about a missing permission; undefined for other errors. */
export function deniedProblem(error: unknown): PermissionProblem | undefined {
  const missing = missingPermissions(error);
  return missing === undefined ? undefined : permissionProblem(missing);
}

/**
 * Rethrows an error about a missing permission, for places where any other error means that something does not exist.
 * Functions that return results convert it with {@link deniedProblem}.
 */
export function throwDenied(error: unknown): void {
  if (missingPermissions(error) !== undefined) throw error;
}

/** Thrown instead of a runtime error that names too few permissions, or a file name that cannot be known in advance. */
export class NotPermitted extends Error {
  readonly missing: readonly Permission[];

  constructor(missing: readonly Permission[], cause: unknown) {
    super(permissionProblem(missing).message, { cause });
    this.missing = missing;
  }
}

/** The permissions to create and read files in a directory. */
export function useOfDirectory(what: string): readonly Permission[] {
  return [
    { kind: 'read', what },
    { kind: 'write', what },
  ];
}

/** Does something; returns the result of `otherwise` if the runtime does not permit it. Other errors are rethrown. */
export async function orDenied<T>(
  work: () => Promise<T>,
  otherwise: (denied: PermissionProblem) => T,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const denied = deniedProblem(error);
    if (denied === undefined) throw error;
    return otherwise(denied);
  }
}

/** `system/permission`: the missing permissions, and the flags to add. */
export function permissionProblem(missing: readonly Permission[]): PermissionProblem {
  const all = [...new Map(missing.map((one) => [`${one.kind} ${one.what ?? ''}`, one])).values()];
  const runtime = IS_DENO ? 'Deno' : 'Node';
  const words = inWords(all);
  const list = words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? '');
  const command = IS_DENO ? 'deno run' : 'node';
  return {
    severity: 'error',
    code: 'system/permission',
    // Contains the flags, because only the message of warnings and reasons is shown.
    message: `${runtime} does not permit bake-ts to ${list}: add ${flagsFor(all).join(' ')}`,
    hint: `Write the flags of \`${command}\` before the script; docs/permissions.md lists those of each command.`,
  };
}

const VERBS: Readonly<Record<PermissionKind, readonly [string, string]>> = {
  read: ['read', 'read files'],
  write: ['write', 'write files'],
  env: ['read the environment variable', 'read the environment'],
  run: ['run', 'run any program'],
  net: ['connect to', 'use the network'],
  sys: ['ask the system for', 'ask the system about itself'],
  worker: ['start threads', 'start threads'],
  all: ['do anything', 'do what only a program with all permissions may'],
};

/** Reading and writing the same path is described once. */
function inWords(all: readonly Permission[]): readonly string[] {
  const written = new Set(all.filter(({ kind }) => kind === 'write').map(({ what }) => what));
  const both = new Set(
    all.filter(({ kind, what }) => kind === 'read' && written.has(what)).map(({ what }) => what),
  );
  return all.flatMap((one) => {
    if (!both.has(one.what) || (one.kind !== 'read' && one.kind !== 'write')) return [describe(one)];
    return one.kind === 'read' ? [`read and ${describe({ ...one, kind: 'write' })}`] : [];
  });
}

function describe({ kind, what }: Permission): string {
  const [withName, without] = VERBS[kind];
  return what === undefined || kind === 'worker' || kind === 'all' ? without : `${withName} \`${what}\``;
}

/** The flags for permissions in the syntax of this runtime: one per kind for Deno, one per path for Node. */
export function flagsFor(wanted: readonly Permission[]): readonly string[] {
  if (!IS_DENO) return [...new Set(wanted.map(nodeFlag))];
  if (wanted.some(({ kind }) => kind === 'all')) return ['-A'];
  const kinds = [...new Set(wanted.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const names = wanted.flatMap((one) => (one.kind === kind ? [one.what] : []));
    if (names.includes(undefined)) return `--allow-${kind}`;
    // Lists are separated by commas, so commas in names are doubled.
    const list = names.map((name = '') => name.replaceAll(',', ',,')).join(',');
    return shellWord(`--allow-${kind}=${list}`);
  });
}

function nodeFlag({ kind, what }: Permission): string {
  switch (kind) {
    case 'read':
    case 'write':
      return shellWord(`--allow-fs-${kind}=${what ?? '*'}`);
    case 'run':
      return '--allow-child-process';
    case 'worker':
      return '--allow-worker';
    case 'net':
      return '--allow-net';
    default:
      return '';
  }
}
