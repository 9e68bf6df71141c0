/**
 * What a builds file may do. It is free in its own repository; whatever leaves the repository needs a grant of the
 * user's, and with `--untrusted` it may do much less. docs/security.md is the whole model.
 */

import { option } from '../util/option-words.ts';
import { type Problem, problem } from './problem.ts';

/** What the user permits a builds file to do. */
export interface Grants {
  /** Real paths of the directories whose files are read and written freely: the repositories of the files the user named. */
  readonly repositories: readonly string[];
  /** Real paths, of files or of directories with all that is in them, that may be read besides. */
  readonly reads: readonly string[];
  /** Real paths that may be written, and read. */
  readonly writes: readonly string[];
  /** Entitlements of BuildKit: `network.host`, `security.insecure`, `device`, `device=NAME`. */
  readonly entitlements: readonly string[];
  /** Real paths that may be read for `secrets:` and `ssh:` only: where tools keep them for a user. None for an untrusted file. */
  readonly secrets: readonly string[];
  /** Real paths that may be read and written for caches only. None for an untrusted file. */
  readonly caches: readonly string[];
  /** Environment variables that an untrusted file may see. */
  readonly variables: readonly string[];
  /** The SSH agent, or keys, for builds of an untrusted file. */
  readonly ssh: boolean;
  /** Options of buildctl that are not known here, and may do anything. */
  readonly buildctlOptions: boolean;
  /** The file is not trusted: no code is run, no credentials are used, nothing is pushed or recorded. */
  readonly untrusted: boolean;
}

/** What a use that leaves the repository is, in words, and the grant that allows it. */
export interface GrantNeed {
  /** A sentence's beginning: `` `context` is `../shared` ``. */
  readonly what: string;
  readonly grant: string;
  /** For a path that is in the repository and needs a grant all the same: `what` says why. */
  readonly isInside?: boolean;
}

/** The problem of a use that is not granted. */
export function needsGrant(
  { what, grant, isInside = false }: GrantNeed,
  rest: Pick<Problem, 'span' | 'build' | 'related'> = {},
): Problem {
  const path = isInside ? undefined : /^(?:read|write):(.+)$/s.exec(grant)?.[1];
  // Of the repository's own paths an untrusted file may not read these.
  const isGit = path?.split('/').some((name) => name.toLowerCase() === '.git') === true;
  const where = path === undefined ? '' : isGit ? ', in a git directory' : ', outside of the repository';
  return problem('config/needs-grant', `${what}${where}`, {
    hint: `If that is meant, allow it: ${allowOption(grant)}`,
    ...rest,
  });
}

/** A grant as it is typed into a shell, and what scripts call the option. */
export function allowOption(grant: string): string {
  const word = /^[\w@%+=:,./~-]+$/.test(grant) ? grant : `'${grant.replaceAll("'", "'\\''")}'`;
  return option(`--allow=${word}`);
}

/** The problem of what an untrusted file may not do, whatever is granted. */
export function notUntrusted(message: string, hint: string, rest: Partial<Problem> = {}): Problem {
  return problem('config/untrusted', message, { hint, ...rest });
}

/** One grant as it is written. */
export type Grant =
  | { readonly kind: 'read' | 'write'; readonly path: string }
  | { readonly kind: 'env'; readonly variable: string }
  | { readonly kind: 'ssh' }
  | { readonly kind: 'buildctl-options' }
  | { readonly kind: 'entitlement'; readonly name: string };

/** How grants are written, for messages. */
export const GRANT_FORMS =
  'read:PATH, write:PATH, network.host, security.insecure, device=NAME, buildctl-options, env:NAME, ssh';

/** Reads `read:PATH` and the like; undefined where it is none of {@link GRANT_FORMS}. */
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

/** `fs.read=PATH`, `fs.write=PATH` and `fs=PATH` are bake's words; `*` is everything. */
function bakeGrant(text: string): Grant | undefined {
  const [, , use, path] = /^(fs(?:\.(read|write))?)=(.+)$/s.exec(text) ?? [];
  if (path === undefined) return undefined;
  return { kind: use === 'read' ? 'read' : 'write', path: path === '*' ? '/' : path };
}

/** What may be read for whatever purpose: the repositories, and what is granted. */
export function readablePaths({ repositories, reads, writes }: Grants): readonly string[] {
  return [...repositories, ...reads, ...writes];
}

/** Whether an entitlement is granted: by its own name, a device also by `device`, which is all of them. */
export function isEntitled({ entitlements }: Pick<Grants, 'entitlements'>, name: string): boolean {
  return entitlements.includes(name) || (name.startsWith('device=') && entitlements.includes('device'));
}
