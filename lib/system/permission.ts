/** Asking the runtime what it permits, before it is done. */
import process from 'node:process';
import {
  IS_DENO,
  NODE_NAMES,
  type Permission,
  type PermissionKind,
  type PermissionProblem,
  permissionProblem,
} from '../util/permission.ts';

/** The part of Deno's API that is used here. */
interface DenoPermissions {
  readonly querySync: (descriptor: object) => { readonly state: string };
  readonly requestSync: (descriptor: object) => { readonly state: string };
}
interface NodePermission {
  readonly has: (scope: string, reference?: string) => boolean;
}

const NODE_SCOPES: Readonly<Partial<Record<PermissionKind, string>>> = Object.fromEntries(
  Object.values(NODE_NAMES),
);

/** Deno: which field of a descriptor says what it is about. */
const DENO_FIELDS: Readonly<Partial<Record<PermissionKind, string>>> = {
  read: 'path',
  write: 'path',
  env: 'variable',
  run: 'command',
  net: 'host',
  sys: 'kind',
};

/** Whether this process may do something. */
export function isPermitted(wanted: Permission): boolean {
  return isGiven(wanted, 'querySync');
}

function isGiven({ kind, what }: Permission, ask: keyof DenoPermissions): boolean {
  if (IS_DENO) {
    // Threads have no permission of their own there, and `all` cannot be requested.
    if (kind === 'worker' || kind === 'all') return true;
    const { permissions } = (globalThis as unknown as { Deno: { permissions: DenoPermissions } }).Deno;
    const field = DENO_FIELDS[kind];
    const about = what === undefined || field === undefined ? {} : { [field]: what };
    return permissions[ask]({ name: kind, ...about }).state === 'granted';
  }
  const node = (process as unknown as { permission?: NodePermission }).permission;
  const scope = NODE_SCOPES[kind];
  if (node === undefined || scope === undefined) return true;
  // Node before 25 restricts no network, and does not know the word.
  return kind === 'net' && !hasNetScope() ? true : node.has(scope, what);
}

function hasNetScope(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--allow-net');
}

/** One problem for everything that is missing; undefined: nothing is. Where somebody sits at a terminal, Deno asks them first. */
export function findMissing(wanted: readonly Permission[]): PermissionProblem | undefined {
  const missing = wanted.filter((one) => !isGiven(one, 'requestSync'));
  return missing.length === 0 ? undefined : permissionProblem(missing);
}
