/**
 * Credentials as the docker CLI keeps them: `config.json` with `auths`, `credsStore` and `credHelpers`
 * (docker/cli cli/config/configfile), the DOCKER_AUTH_CONFIG variable, and path-specific keys as Podman has them.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { homeOf } from '../system/mod.ts';
import { deniedProblem } from '../util/permission.ts';
import { type HelperAnswer, runCredentialHelper } from './credential-helper.ts';
import { isRecord } from './problems.ts';
import type { Sought } from './sign-in-words.ts';

/** One way to sign in. */
export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token; exchanged for access tokens at the realm. */
  | { readonly kind: 'identity'; readonly token: string }
  /** A Bearer token that is sent unchanged. */
  | { readonly kind: 'registry'; readonly token: string };

/** The credentials of a `config.json`. */
export interface DockerConfig {
  readonly auths: ReadonlyMap<string, Credentials>;
  readonly credsStore?: string;
  readonly credHelpers: ReadonlyMap<string, string>;
}

/** The key of Docker Hub in the docker CLI's config. */
export const HUB_KEY = 'https://index.docker.io/v1/';

/** A helper is not run again within this time. */
const HELPER_MIN_AGE_MS = 60_000;

/** Path of the docker CLI's config; undefined if neither DOCKER_CONFIG nor a home directory is known. */
export function dockerConfigPath(env: Environment): string | undefined {
  const folder = env['DOCKER_CONFIG'];
  if (folder !== undefined && folder !== '') return join(folder, 'config.json');
  const home = homeOf(env);
  return home === undefined ? undefined : join(home, '.docker', 'config.json');
}

/** Parses a `config.json`; `where` names it in the problem. Entries without credentials are left out. */
export function parseDockerConfig(text: string, where: string): Result<DockerConfig> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message is not shown, since it may quote the file.
  }
  if (!isRecord(json)) return fail([badConfig(`${where} is not a JSON object`)]);
  const auths = new Map<string, Credentials>();
  for (const [key, entry] of entriesOf(json['auths'])) {
    if (!isRecord(entry)) continue;
    const found = readAuthEntry(entry);
    if (found === 'malformed')
      return fail([badConfig(`${where}: \`auth\` of ${key} is not base64 of user:password`)]);
    if (found !== undefined) auths.set(key, found);
  }
  const credHelpers = new Map<string, string>();
  for (const [key, name] of entriesOf(json['credHelpers'])) {
    if (typeof name === 'string' && name !== '') credHelpers.set(key, name);
  }
  const store = json['credsStore'];
  return ok({
    auths,
    credHelpers,
    ...(typeof store === 'string' && store !== '' ? { credsStore: store } : {}),
  });
}

/**
 * The keys of a repository, most specific first: `host/a/b`, `host/a`, then the host in the forms that tools have written over
 * the years.
 */
export function credentialKeys(host: string, repository: string): readonly string[] {
  const parts = repository === '' ? [] : repository.split('/');
  const paths = parts.map((_, at) => `${host}/${parts.slice(0, parts.length - at).join('/')}`);
  const names =
    host === 'docker.io' ? [HUB_KEY, 'docker.io', 'index.docker.io', 'registry-1.docker.io'] : [host];
  const urls = names.flatMap((name) =>
    name.includes('://')
      ? []
      : ['https', 'http'].flatMap((scheme) =>
          ['', '/', '/v1/', '/v2/', '/v1', '/v2'].map((path) => `${scheme}://${name}${path}`),
        ),
  );
  return [...new Set([...paths, ...names, ...urls])];
}

/** Finds credentials; runs each helper once and remembers its answer. */
export interface CredentialSource {
  /**
   * Returns the credentials for a repository, if there are any. `fresh` runs a helper again if its answer is over a minute old,
   * since some passwords expire during a long run.
   */
  find(host: string, repository: string, fresh?: boolean): Promise<Result<Credentials | undefined>>;
  /** Where credentials for a host are looked for, for messages. */
  readonly sought?: (host: string) => Sought;
}

/** Credentials for one registry, instead of those of the Docker config. */
export interface SignIn {
  /** As references write it. */
  readonly registry: string;
  /** User name. With a token, whatever the registry requires as user name. */
  readonly username: string;
  /** The password or a token. */
  readonly password: string;
}

/** Wraps a source so that the given name and password are used for their registry. */
export function withSignIn(source: CredentialSource, signIn: SignIn | undefined): CredentialSource {
  if (signIn === undefined) return source;
  const { registry, username, password } = signIn;
  const given = ok({ kind: 'basic', username, password } as const);
  return {
    find: (host, repository, fresh) =>
      host === registry ? Promise.resolve(given) : source.find(host, repository, fresh),
    sought: (host) =>
      host === registry
        ? { kind: 'given', username }
        : (source.sought?.(host) ?? { kind: 'config', read: [] }),
  };
}

/** How a source of credentials works. */
export interface CredentialSourceOptions {
  readonly now?: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Receives all credentials of the config when it is read, and those of helpers. */
  readonly onRead?: (own: Credentials) => void;
}

/** Credentials from the Docker config of an environment; read on first use. */
export function createCredentialSource(
  env: Environment,
  { now = Date.now, signal, onRead }: CredentialSourceOptions = {},
): CredentialSource {
  let configs: Promise<Result<readonly DockerConfig[]>> | undefined;
  const answers = new Map<string, { atMs: number; answer: Promise<Result<HelperAnswer | undefined>> }>();

  const askHelper = (name: string, server: string, fresh: boolean) => {
    const key = `${name} ${server}`;
    const known = answers.get(key);
    if (known !== undefined && !(fresh && now() - known.atMs > HELPER_MIN_AGE_MS)) return known.answer;
    const answer = runCredentialHelper({ name, server, env, signal });
    answers.set(key, { atMs: now(), answer });
    return answer;
  };

  return {
    async find(host, repository, fresh = false) {
      configs ??= readConfigs(env).then((read) => {
        const all = read.ok ? read.value.flatMap(({ auths }) => [...auths.values()]) : [];
        for (const own of all) onRead?.(own);
        return read;
      });
      const loaded = await configs;
      if (!loaded.ok) return loaded;
      const keys = credentialKeys(host, repository);
      for (const config of loaded.value) {
        const helperKey = keys.find((key) => config.credHelpers.has(key));
        const helper = helperKey === undefined ? config.credsStore : config.credHelpers.get(helperKey);
        if (helper !== undefined) {
          const server = host === 'docker.io' ? HUB_KEY : (helperKey ?? host);
          const answer = await askHelper(helper, server, fresh);
          if (!answer.ok) return answer;
          if (answer.value !== undefined) {
            const own = fromHelper(answer.value);
            onRead?.(own);
            return ok(own);
          }
        }
        const key = keys.find((one) => config.auths.has(one));
        if (key !== undefined) return ok(config.auths.get(key));
      }
      return ok(undefined);
    },
    sought: () => soughtIn(env),
  };
}

function soughtIn(env: Environment): Sought {
  const inline = env['DOCKER_AUTH_CONFIG'] ? ['DOCKER_AUTH_CONFIG'] : [];
  const path = dockerConfigPath(env);
  if (path === undefined) return { kind: 'config', read: inline };
  return existsSync(path)
    ? { kind: 'config', read: [...inline, path] }
    : { kind: 'config', read: inline, absent: path };
}

/** DOCKER_AUTH_CONFIG takes precedence over the file, as in docker CLI 28 and GitLab's runners. */
async function readConfigs(env: Environment): Promise<Result<readonly DockerConfig[]>> {
  const found: DockerConfig[] = [];
  const inline = env['DOCKER_AUTH_CONFIG'];
  if (inline !== undefined && inline !== '') {
    const parsed = parseDockerConfig(inline, 'DOCKER_AUTH_CONFIG');
    if (!parsed.ok) return parsed;
    found.push(parsed.value);
  }
  const path = dockerConfigPath(env);
  if (path === undefined) return ok(found);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok(found);
    return fail([deniedProblem(error) ?? badConfig(`${path} cannot be read: ${code}`)]);
  }
  const parsed = parseDockerConfig(text, path);
  if (!parsed.ok) return parsed;
  found.push(parsed.value);
  return ok(found);
}

function readAuthEntry(entry: Record<string, unknown>): Credentials | undefined | 'malformed' {
  const text = (key: string): string => {
    const value = entry[key];
    return typeof value === 'string' ? value : '';
  };
  if (text('registrytoken') !== '') return { kind: 'registry', token: text('registrytoken') };
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken') };
  if (text('auth') !== '') {
    const decoded = Buffer.from(text('auth'), 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) return 'malformed';
    // The docker CLI trims NULs from both ends, since old versions padded with them.
    const password = decoded.slice(colon + 1).replace(/^\0+|\0+$/g, '');
    return { kind: 'basic', username: decoded.slice(0, colon), password };
  }
  if (text('username') !== '') {
    return { kind: 'basic', username: text('username'), password: text('password') };
  }
  return undefined;
}

function fromHelper(answer: HelperAnswer): Credentials {
  // docker-credential-helpers: this user name marks an identity token.
  return answer.username === '<token>'
    ? { kind: 'identity', token: answer.secret }
    : { kind: 'basic', username: answer.username, password: answer.secret };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : [];
}

/** The problem of an invalid docker CLI config. */
export function badConfig(message: string): Problem {
  return problem('registry/bad-config', message, {
    hint: 'Correct the file, or write it again: with `docker login`, or as docs/from-buildctl.md shows',
  });
}
