/** Determines what a builds file may do from `--allow` and the files that the user named. */
import { join, resolve } from 'node:path';
import { GRANT_FORMS, type Grants, notUntrusted, parseGrant, problem, readablePaths } from '../model/mod.ts';
import {
  homeOf,
  isInGitDirectory,
  isWithin,
  type RealPaths,
  repositoryOf,
  thisSystem,
} from '../system/mod.ts';
import { option } from '../util/option-words.ts';
import { absolutePath } from './absolute-path.ts';
import type { Problems } from './problems.ts';

/** What the user grants. */
export interface GrantOptions {
  /**
   * Grants in the syntax of `--allow`: `read:PATH`, `network.host`, …; paths are relative to `cwd`, `~/` is the home
   * directory.
   */
  readonly allow?: readonly string[];
  /** `--untrusted`: the files may be malicious. */
  readonly untrusted?: boolean;
}

interface Surroundings extends GrantOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where tools keep a user's secrets, below the home directory. */
const HOME_SECRETS: readonly string[] = [
  '.aws',
  '.azure',
  '.bundle/config',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.composer/auth.json',
  '.condarc',
  '.config/composer/auth.json',
  '.config/containers/auth.json',
  '.config/gcloud',
  '.config/gh',
  '.config/git/credentials',
  '.config/pip',
  '.config/uv',
  '.docker/config.json',
  '.git-credentials',
  '.gradle/gradle.properties',
  '.kube/config',
  '.m2/settings-security.xml',
  '.m2/settings.xml',
  '.netrc',
  '.npmrc',
  '.nuget/NuGet/NuGet.Config',
  '.pip/pip.conf',
  '.pypirc',
  '.ssh',
  '.terraformrc',
  '.yarnrc',
  '.yarnrc.yml',
];

/** Where secrets are mounted system-wide or in containers. */
const MOUNTED_SECRETS: readonly string[] = ['/run/secrets', '/var/run/secrets'];

/**
 * Determines what the files may do; an invalid grant is a problem (`config/grant`).
 *
 * @param directories absolute, of the files that the user named: access to their repositories is free
 */
export function resolveGrants(
  directories: readonly string[],
  options: Surroundings,
  realPaths: RealPaths,
  problems: Problems,
): Grants {
  const { cwd, env, allow = [], untrusted = false } = options;
  const reads: string[] = [];
  const writes: string[] = [];
  const entitlements: string[] = [];
  const variables: string[] = [];
  let ssh = false;
  let buildctlOptions = false;
  for (const text of allow) {
    const grant = parseGrant(text);
    if (grant === undefined) {
      problems.add(
        problem('config/grant', `"${text}" is not a valid grant`, {
          hint: `Use one of ${GRANT_FORMS}.`,
        }),
      );
    } else if (grant.kind === 'env') variables.push(grant.variable);
    else if (grant.kind === 'ssh') ssh = true;
    else if (grant.kind === 'buildctl-options') buildctlOptions = true;
    else if (grant.kind === 'entitlement') entitlements.push(grant.name);
    else {
      const real = realPaths.of(absolutePath(grant.path, cwd, { root: cwd, env }));
      (grant.kind === 'read' ? reads : writes).push(real);
    }
  }
  // On Windows a git directory has too many other names to check them (`GIT~1`, `.git::$INDEX_ALLOCATION`).
  if (untrusted && thisSystem() === 'win32')
    problems.add(
      notUntrusted(
        'Untrusted files cannot be built on Windows',
        `Build it on Linux or macOS, or read the file and omit ${option('--untrusted')}.`,
      ),
    );
  const repositories = directories.map((one) => repositoryOf(realPaths.of(one)));
  return {
    repositories: [...new Set(repositories)],
    reads,
    writes,
    entitlements,
    variables,
    ssh,
    buildctlOptions,
    untrusted,
    ...(untrusted ? { secrets: [], caches: [] } : wellKnown(env, realPaths)),
  };
}

function wellKnown(env: Surroundings['env'], realPaths: RealPaths): Pick<Grants, 'secrets' | 'caches'> {
  const home = homeOf(env);
  const below = (names: readonly string[]) => (home === undefined ? [] : names.map((one) => join(home, one)));
  const named = [env['XDG_CACHE_HOME'], env['SSH_AUTH_SOCK'], env['DOCKER_CONFIG']].map((one) =>
    one === undefined || one === '' ? [] : [resolve(one)],
  );
  const [cache = [], agent = [], docker = []] = named;
  const real = (files: readonly string[]) => files.map((one) => realPaths.of(one));
  return {
    secrets: real([
      ...below(HOME_SECRETS),
      ...(thisSystem() === 'linux' ? MOUNTED_SECRETS : []),
      ...agent,
      ...docker,
    ]),
    caches: real([...below(['.cache']), ...cache]),
  };
}

/** Whether a file may be read. `file` is absolute; symlinks are resolved. */
export function mayRead(file: string, grants: Grants, realPaths: RealPaths): boolean {
  const real = realPaths.of(file);
  // CI systems keep credentials in git's directory.
  const isGit = grants.untrusted && isInGitDirectory(real, grants.repositories);
  return isWithin(real, isGit ? [...grants.reads, ...grants.writes] : readablePaths(grants));
}
