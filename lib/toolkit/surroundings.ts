/**
 * The surroundings of a call: defaults come from the process. This is the only file of lib/ that reads the process; all
 * modules below get their input as arguments.
 */
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../model/mod.ts';

/** Directory and environment of a call. */
export interface SurroundingsOptions {
  /** Where paths start and where to look for builds.yaml: a path, or a `file:` URL such as `new URL('.', import.meta.url)`. Default: the working directory. */
  readonly cwd?: string | URL;
  /** The environment: credentials, proxies, `BUILDKIT_HOST`, values of variables and secrets. Default: that of the process. */
  readonly env?: Environment;
}

/** The same with all values set. */
export interface Surroundings {
  /** Absolute. */
  readonly cwd: string;
  readonly env: Environment;
}

/** Fills in the defaults from the process. */
export function surroundingsOf(options: SurroundingsOptions): Surroundings {
  return { cwd: directoryOf(options.cwd), env: environmentOf(options.env) };
}

/** An absolute path. Reads the working directory only if needed, because Deno requires a permission for it. */
export function directoryOf(cwd: string | URL | undefined): string {
  const given = cwd instanceof URL ? fileURLToPath(cwd) : cwd;
  return given !== undefined && path.isAbsolute(given) ? given : path.resolve(process.cwd(), given ?? '.');
}

/** The environment of a call. */
export function environmentOf(env: Environment | undefined): Environment {
  return env ?? process.env;
}

/** The default output of a reporter. */
export function processStreams(): Pick<typeof process, 'stdout' | 'stderr'> {
  return process;
}
