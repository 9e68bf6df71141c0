/**
 * Where a call happens: what a script does not say is taken from its process. The only file of lib/ that looks at the
 * process; everything below gets what it needs handed in.
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

/** The same with nothing left open. */
export interface Surroundings {
  /** Absolute. */
  readonly cwd: string;
  readonly env: Environment;
}

/** Fills in what the process says. */
export function surroundingsOf(options: SurroundingsOptions): Surroundings {
  return { cwd: directoryOf(options.cwd), env: environmentOf(options.env) };
}

/** An absolute path. Without need the process is not asked: Deno wants a permission for it. */
export function directoryOf(cwd: string | URL | undefined): string {
  const given = cwd instanceof URL ? fileURLToPath(cwd) : cwd;
  return given !== undefined && path.isAbsolute(given) ? given : path.resolve(process.cwd(), given ?? '.');
}

/** The environment of a call. */
export function environmentOf(env: Environment | undefined): Environment {
  return env ?? process.env;
}

/** Where a reporter writes that was not told where. */
export function processStreams(): Pick<typeof process, 'stdout' | 'stderr'> {
  return process;
}
