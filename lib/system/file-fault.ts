/** Why a file cannot be created or written, as text for a problem's message. */
import { statfsSync } from 'node:fs';
import path from 'node:path';
import { deniedProblem, missingPermissions } from '../util/permission.ts';

/** The disk or quota is full. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** The system's code (`ENOSPC`) of a file system error; undefined: it is another error. */
export function fileFaultCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // A permission of the runtime is missing.
  if (missingPermissions(error) !== undefined) return 'EPERM';
  return 'code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)
    ? error.code
    : undefined;
}

/** The code, and for a full disk its free space: `ENOSPC: 0 bytes free`. */
export async function describeFileFault(error: unknown, file: string): Promise<string> {
  const denied = deniedProblem(error);
  if (denied !== undefined) return denied.message;
  const code = fileFaultCode(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  if (!FULL.has(code)) return code;
  for (let dir = file; ; dir = path.dirname(dir)) {
    try {
      const { bavail, bsize, ffree, files } = statfsSync(dir);
      const noInodes = files > 0 && ffree === 0 ? ', no inodes free' : '';
      return `${code}: ${bavail * bsize} bytes free${noInodes}`;
    } catch {
      if (dir === path.dirname(dir)) return code;
    }
  }
}
