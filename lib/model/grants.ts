/**
 * What a builds file may do. It has free access inside its own repository; everything outside needs a grant from the
 * user. With `--untrusted` it may do much less. docs/security.md describes the whole model.
 */

import { option } from '../util/option-words.ts';
import { type Problem, problem } from './problem.ts';

/** What the user permits a builds file to do. */
export interface Grants {
  /**
   * Real paths of the directories that may be read and written freely: the repositories of the files that the user named.
   */
  readonly repositories: readonly string[];
  /** Real paths of further files and directories (with all their content) that may be read. */
  readonly reads: readonly string[];
  /** Real paths that may be written and read. */
  readonly writes: readonly string[];
  /** Entitlements of BuildKit: `network.host`, `security.insecure`, `device`, `device=NAME`. */
  readonly entitlements: readonly string[];
  /**
   * Real paths that may be read only for `secrets:` and `ssh:`: where tools keep a user's secrets. Empty for an untrusted
   * file.
   */
  readonly secrets: readonly string[];
  /** Real paths that may be read and written only for caches. Empty for an untrusted file. */
  readonly caches: readonly string[];
  /** Environment variables that an untrusted file may see. */
  readonly variables: readonly string[];
  /** Whether builds of an untrusted file may use the SSH agent or keys. */
  readonly ssh: boolean;
  /** Whether buildctl options that bake-ts does not know, and which may do anything, are allowed. */
  readonly buildctlOptions: boolean;
  /** The file is not trusted: no code runs, no credentials are used, nothing is pushed or recorded. */
  readonly untrusted: boolean;
}

/** A description of a use that needs a grant, and the grant that allows it. */
export interface GrantNeed {
  /** The beginning of a sentence: `` `context` is `../shared` ``. */
  readonly what: string;
  readonly grant: string;
  /** The path is inside the repository and still needs a grant, for the reason in `what`. */
  readonly isInside?: boolean;
}

/** The problem for a use that is not granted. */
export function needsGrant(
  { what, grant, isInside = false }: GrantNeed,
  rest: Pick<Problem, 'span' | 'build' | 'related'> = {},
): Problem {
  const path = isInside ? undefined : /^(?:read|write):(.+)$/s.exec(grant)?.[1];
  // An untrusted file may not read these paths even in its own repository.
  const isGit = path?.split('/').some((name) => name.toLowerCase() === '.git') === true;
  const where = path === undefined ? '' : isGit ? ', in a git directory' : ', outside of the repository';
  return problem('config/needs-grant', `${what}${where}`, {
    hint: `If that is meant, allow it: ${allowOption(grant)}`,
    ...rest,
  });
}

/** A grant as a shell argument, and the name of the option in scripts. */
export function allowOption(grant: string): string {
  const word = /^[\w@%+=:,./~-]+$/.test(grant) ? grant : `'${grant.replaceAll("'", "'\\''")}'`;
  return option(`--allow=${word}`);
}

/** The problem for something that an untrusted file may not do, whatever is granted. */
export function notUntrusted(message: string, hint: string, rest: Partial<Problem> = {}): Problem {
  return problem('config/untrusted', message, { hint, ...rest });
}

/** One grant, parsed. */
export type Grant =
  | { readonly kind: 'read' | 'write'; readonly path: string }
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'ssh' }
  | { readonly kind: 'buildctl-options' }
  | { readonly kind: 'entitlement'; readonly name: string };

/** The syntax of grants, for messages. */
export const GRANT_FORMS =
  'read:PATH, write:PATH, network.host, security.insecure, device=NAME, buildctl-options, env:NAME, ssh';

/** Parses `read:PATH` and similar; undefined if the text has none of the forms in {@link GRANT_FORMS}. */
export function parseGrant(text: string): Grant | undefined {
  const bake = bakeGrant(text);
  if (bake !== undefined) return bake;
  const [, kind, value] = /^(read|write|env):(.+)$/s.exec(text) ?? [];
  if (value !== undefined && (kind === 'read' || kind === 'write')) return { kind, path: value };
  if (value !== undefined) return { kind: 'env', variable: value };
  if (text === 'ssh' || text === 'buildctl-options') return { kind: text };
  const isEntitlement = /^(?:network\.host|security\.insecure|device(?:=.+)?)$/.test(text);
  return isEntitlement ? { kind: 'entitlement', name: text } : undefined;
}

/** Bake's syntax: `fs.read=PATH`, `fs.write=PATH` and `fs=PATH`; `*` is everything. */
function bakeGrant(text: string): Grant | undefined {
  const [, , use, path] = /^(fs(?:\.(read|write))?)=(.+)$/s.exec(text) ?? [];
  if (path === undefined) return undefined;
  return { kind: use === 'read' ? 'read' : 'write', path: path === '*' ? '/' : path };
}

/** What may be read for any purpose: the repositories and the granted paths. */
export function readablePaths({ repositories, reads, writes }: Grants): readonly string[] {
  return [...repositories, ...reads, ...writes];
}

/** Whether an entitlement is granted, by its own name or, for a device, by `device`, which covers all devices. */
export function isEntitled({ entitlements }: Pick<Grants, 'entitlements'>, name: string): boolean {
  return entitlements.includes(name) || (name.startsWith('device=') && entitlements.includes('device'));
}
