/** `node:process` in the browser: Linux, without programs that could be run. */
import * as crypto from './crypto.ts';

export const platform = 'linux';
export const arch = 'x64';
export const versions: Readonly<Record<string, string>> = {};

/** Modules that are loaded on first use. */
export function getBuiltinModule(name: string): unknown {
  return name === 'node:crypto' ? crypto : { spawnSync: () => ({ error: noProgram(), status: null }) };
}

function noProgram(): Error {
  return Object.assign(new Error('no program can be run here'), { code: 'ENOENT' });
}

const process = { platform, arch, versions, getBuiltinModule };

export { process as default };
