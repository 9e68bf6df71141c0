/**
 * Permissions of the runtime: Deno gives a program none unless it is told to, Node takes them away with `--permission`
 * (https://docs.deno.com/runtime/fundamentals/security/, https://nodejs.org/docs/latest-v24.x/api/permissions.html).
 * What a program may not look at is not "not there": here the two are told apart, and what is missing is said with the flag
 * that gives it.
 */
import { shellWord } from './shell.ts';

/** What a runtime can keep from a program. `all`: what Deno gives to `-A` alone, such as `/proc`. */
export type PermissionKind = 'read' | 'write' | 'env' | 'run' | 'net' | 'sys' | 'worker' | 'all';

/** Something that this process may not do. */
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

/** Node's names of permissions (src/permission/permission.cc), as its errors have them: ours, and that of `process.permission.has`. */
export const NODE_NAMES: Readonly<Record<string, readonly [PermissionKind, string]>> = {
  FileSystemRead: ['read', 'fs.read'],
  FileSystemWrite: ['write', 'fs.write'],
  ChildProcess: ['run', 'child'],
  WorkerThreads: ['worker', 'worker'],
  Net: ['net', 'net'],
};

/** How far causes of causes are looked at. */
const MOST_CAUSES = 5;

/**
 * What this process was not permitted to do, where that is what an error of the runtime says.
 *
 * @returns undefined where the error says something else
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

/** Any path: links are made by nobody who is bound to some. */
const ALL_FILES: readonly Permission[] = [{ kind: 'read' }, { kind: 'write' }];

function ofDeno({ message }: Error): readonly Permission[] {
  const [, kind, what] =
    /^Requires (read|write|env|run|net|sys|all) access(?: to "(.*)")?, run again/s.exec(message) ?? [];
  if (kind === 'all') return [{ kind }];
  if (kind !== undefined) return [permission(kind as PermissionKind, what)];
  if (message.includes('--allow-read and --allow-write')) return ALL_FILES;
  // A program that is given LD_PRELOAD or the like could do anything: a list of programs is not enough for that.
  return message.includes('--allow-run') ? [{ kind: 'run' }] : [{ kind: 'all' }];
}

function ofCode(error: NodeJS.ErrnoException): readonly Permission[] | undefined {
  // Deno's answer to a name that may not be looked up.
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

/** The problem of an error of the runtime that says that something is not permitted; undefined: it says something else. */
export function deniedProblem(error: unknown): PermissionProblem | undefined {
  const missing = missingPermissions(error);
  return missing === undefined ? undefined : permissionProblem(missing);
}

/**
 * Throws an error on that says that something is not permitted, for places where any other error means that something is not
 * there. Who gives results to others makes a problem of it ({@link deniedProblem}).
 */
export function throwDenied(error: unknown): void {
  if (missingPermissions(error) !== undefined) throw error;
}

/** Thrown in place of what the runtime throws, where that names less than what is needed, or a file that nobody can name before. */
export class NotPermitted extends Error {
  readonly missing: readonly Permission[];

  constructor(missing: readonly Permission[], cause: unknown) {
    super(permissionProblem(missing).message, { cause });
    this.missing = missing;
  }
}

/** What it takes to make and read files in a directory. */
export function useOfDirectory(what: string): readonly Permission[] {
  return [
    { kind: 'read', what },
    { kind: 'write', what },
  ];
}

/** Does something, and gives what `otherwise` makes of it where the runtime does not permit it; other errors are thrown on. */
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

/** `system/permission`: what is missing, and the flags as they are to be typed. */
export function permissionProblem(missing: readonly Permission[]): PermissionProblem {
  const all = [...new Map(missing.map((one) => [`${one.kind} ${one.what ?? ''}`, one])).values()];
  const runtime = IS_DENO ? 'Deno' : 'Node';
  const words = inWords(all);
  const list = words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? '');
  const command = IS_DENO ? 'deno run' : 'node';
  return {
    severity: 'error',
    code: 'system/permission',
    // With the flags, since of warnings and reasons only the message is shown.
    message: `${runtime} does not permit bake-ts to ${list}: add ${flagsFor(all).join(' ')}`,
    hint: `Flags of \`${command}\` stand before what it runs; docs/permissions.md has those of each command.`,
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
  all: ['do all that it likes', 'do what only a program with all permissions may'],
};

/** What is both read and written is said once. */
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

/** The flags that give permissions, as this runtime spells them: one of each kind for Deno, one of each path for Node. */
export function flagsFor(wanted: readonly Permission[]): readonly string[] {
  if (!IS_DENO) return [...new Set(wanted.map(nodeFlag))];
  if (wanted.some(({ kind }) => kind === 'all')) return ['-A'];
  const kinds = [...new Set(wanted.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const names = wanted.flatMap((one) => (one.kind === kind ? [one.what] : []));
    if (names.includes(undefined)) return `--allow-${kind}`;
    // In a list a comma stands between two.
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
