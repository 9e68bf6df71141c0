/**
 * The proxies for RUN steps: from the docker CLI's config, as docker and buildx read them (docker/cli cli/config/configfile,
 * `ParseProxyConfig`), or else from the environment.
 */
import { readFile } from 'node:fs/promises';
import { type Environment, ok, PROXY_ARGUMENTS, type Result, type StepProxies } from '../model/mod.ts';
import { thisSystem } from '../system/mod.ts';
import { hasControls } from '../util/control-characters.ts';
import { isLocalEngine, isLoopback } from '../util/loopback.ts';
import { deniedProblem } from '../util/permission.ts';
import { badConfig, dockerConfigPath } from './credentials.ts';
import { isRecord } from './problems.ts';

/** Build argument → its key in the config. */
const CONFIG_KEYS: ReadonlyMap<string, string> = new Map([
  ['HTTP_PROXY', 'httpProxy'],
  ['HTTPS_PROXY', 'httpsProxy'],
  ['FTP_PROXY', 'ftpProxy'],
  ['NO_PROXY', 'noProxy'],
  ['ALL_PROXY', 'allProxy'],
]);

/**
 * Reads the proxies. If the config has an entry, even an empty one, only it applies: proxies of a machine and of its containers
 * must not be mixed.
 *
 * @param engineAddress address of the engine, if specified: the config may have an entry for it, and a remote engine has another
 *   loopback
 * @returns problem: `registry/bad-config`
 */
export async function readStepProxies(
  env: Environment,
  engineAddress: string | undefined,
): Promise<Result<StepProxies>> {
  const configured = await readConfigured(env, engineAddress ?? '');
  if (!configured.ok) return configured;
  if (configured.value !== undefined) return ok(configured.value);
  const system = thisSystem();
  const isElsewhere =
    engineAddress === undefined ? system !== 'linux' : !isLocalEngine(engineAddress, system);
  const found = new Map<string, string>();
  for (const name of PROXY_ARGUMENTS) {
    const value = env[name] || env[name.toLowerCase()];
    if (!isUsable(value) || (isElsewhere && name !== 'NO_PROXY' && isLoopback(hostOf(value)))) continue;
    found.set(name, value);
  }
  return ok(found);
}

/** Undefined if the config has no proxies. */
async function readConfigured(
  env: Environment,
  engineAddress: string,
): Promise<Result<StepProxies | undefined>> {
  const file = dockerConfigPath(env);
  if (file === undefined) return ok(undefined);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok(undefined);
    const denied = deniedProblem(error);
    if (denied !== undefined) return { ok: false, error: [denied] };
    // The parser's message is not shown, since it may quote the file.
    const why = code === undefined ? 'is not a JSON object' : `cannot be read: ${code}`;
    return { ok: false, error: [badConfig(`${file} ${why}`)] };
  }
  const all = isRecord(json) && isRecord(json['proxies']) ? json['proxies'] : {};
  const entry = Object.hasOwn(all, engineAddress) ? all[engineAddress] : all['default'];
  if (!isRecord(entry)) return ok(undefined);
  const found = new Map<string, string>();
  for (const [name, key] of CONFIG_KEYS) {
    const value = entry[key];
    if (typeof value === 'string' && isUsable(value)) found.set(name, value);
  }
  return ok(found);
}

/** Program arguments cannot contain a NUL, nor URLs a line break. */
function isUsable(value: string | undefined): value is string {
  return value !== undefined && value !== '' && !hasControls(value) && !/[\n\t]/.test(value);
}

/** Host of an address, which may lack the scheme. */
function hostOf(address: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  return URL.canParse(url) ? new URL(url).hostname : '';
}
