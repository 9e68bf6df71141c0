/**
 * Signatures of shared records. Without them, anybody who may write to the place of the records could determine the image of any
 * build; with a key, only its holders can.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type BuildRecord, fail, KEY_VERSION, ok, type Problem, problem, type Result } from '../model/mod.ts';

/** Where the key comes from. */
export const KEY_VARIABLE = 'BAKE_TS_RECORD_KEY';

const SHORTEST = 32;
const MOST_KEYS = 2;

/** The keys in the environment: the first one signs, all of them prove. Empty: there is none. */
export function readRecordKeys(
  env: Readonly<Record<string, string | undefined>>,
): Result<readonly string[], Problem> {
  const text = env[KEY_VARIABLE]?.trim() ?? '';
  if (text === '') return ok([]);
  const keys = text.split(',').map((key) => key.trim());
  if (keys.length <= MOST_KEYS && keys.every((key) => key.length >= SHORTEST)) return ok(keys);
  return fail(
    problem(
      'run/bad-record',
      `${KEY_VARIABLE} is not a key of at least ${SHORTEST} characters, or two of them separated by a comma`,
      {
        hint: 'Make one with `openssl rand -hex 32`. The first one signs; the second one may be your previous key.',
      },
    ),
  );
}

/** Records lie at a reference of one's own, and there is no key that could prove them. */
export function noRecordKey(): Problem {
  return problem(
    'run/records-not-trusted',
    `without ${KEY_VARIABLE} shared records are neither used nor written`,
    {
      severity: 'warning',
      hint: `Set ${KEY_VARIABLE} (\`openssl rand -hex 32\`) on all machines, or use \`record: registry\`, which needs no key. Records at a reference must be signed: whoever can write there could replace images.`,
    },
  );
}

/** The signature of a record: over everything that is shared of it, in a form in which no two records look alike. */
export function signRecord(record: BuildRecord, key: string): string {
  const { build, digest, mediaType, sizeBytes, platforms, finishedAt, durationMs, steps } = record;
  const text = JSON.stringify([
    'bake-ts record',
    KEY_VERSION,
    record.key,
    build,
    digest,
    mediaType,
    sizeBytes ?? null,
    platforms.map((one) => [one.platform, one.digest, one.layers ?? null]),
    finishedAt,
    durationMs,
    steps.total,
    steps.cached,
  ]);
  return createHmac('sha256', key).update(text).digest('hex');
}

/** Whether one of the keys made the signature. */
export function isSignedBy(
  keys: readonly string[],
  record: BuildRecord,
  signature: string | undefined,
): boolean {
  if (signature === undefined) return false;
  const given = Buffer.from(signature, 'hex');
  return keys.some((key) => {
    const right = Buffer.from(signRecord(record, key), 'hex');
    return given.length === right.length && timingSafeEqual(given, right);
  });
}
