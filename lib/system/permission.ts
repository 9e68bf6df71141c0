/** Queries the permissions of the runtime in advance. */
import process from 'node:process';
import {
  IS_DENO,
  NODE_NAMES,
  type Permission,
  type PermissionKind,
  type PermissionProblem,
  permissionProblem,
} from '../util/permission.ts';

/** The used part of Deno's API. */
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

/** Deno: the field of a descriptor with its target. */
const DENO_FIELDS: Readonly<Partial<Record<PermissionKind, string>>> = {
  read: 'path',
  write: 'path',
  env: 'variable',
  run: 'command',
  net: 'host',
  sys: 'kind',
};

/** Whether this process has a permission. */
export function isPermitted(wanted: Permission): boolean {
  return isGiven(wanted, 'querySync');
}

function isGiven({ kind, what }: Permission, ask: keyof DenoPermissions): boolean {
  if (IS_DENO) {
    // There are no permissions for threads, and `all` cannot be requested.
    if (kind === 'worker' || kind === 'all') return true;
    const { permissions } = (globalThis as unknown as { Deno: { permissions: DenoPermissions } }).Deno;
    const field = DENO_FIELDS[kind];
    const about = what === undefined || field === undefined ? {} : { [field]: what };
    return permissions[ask]({ name: kind, ...about }).state === 'granted';
  }
  const node = (process as unknown as { permission?: NodePermission }).permission;
  const scope = NODE_SCOPES[kind];
  if (node === undefined || scope === undefined) return true;
  // Node before 25 does not restrict the network and does not know this scope.
  return kind === 'net' && !hasNetScope() ? true : node.has(scope, what);
}

function hasNetScope(): boolean {
  return process.allowedNodeEnvironmentFlags.has('--allow-net');
}

/** One problem for all missing permissions; undefined: none is missing. At a terminal, Deno asks the user first. */
export function findMissing(wanted: readonly Permission[]): PermissionProblem | undefined {
  const missing = wanted.filter((one) => !isGiven(one, 'requestSync'));
  return missing.length === 0 ? undefined : permissionProblem(missing);
}
