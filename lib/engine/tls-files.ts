/** Checks the files of `engine.tls` before any connection: buildctl reports errors late and without file names. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type EngineTls, type Problem, problem } from '../model/mod.ts';
import { throwDenied } from '../util/permission.ts';

const DAY_MS = 86_400_000;

/**
 * Checks the files. Of a key only the path is ever shown. Problems: `engine/tls-files`, `engine/client-certificate`.
 *
 * @param now compared with the validity dates of the client's certificate
 */
export async function checkTlsFiles(tls: EngineTls, now: Date = new Date()): Promise<readonly Problem[]> {
  const [ca, cert, key] = await Promise.all([
    read(tls.ca, 'the certificate of the authority', toCertificate),
    read(tls.cert, 'the client certificate', toCertificate),
    read(tls.key, 'the key of the client certificate', toKey),
  ]);
  const problems = [ca, cert, key].flatMap((one) => (one !== undefined && 'wrong' in one ? [one.wrong] : []));
  if (cert === undefined || 'wrong' in cert) return problems;
  const dates = checkDates(cert.value, tls.cert ?? '', now);
  if (dates !== undefined) problems.push(dates);
  if (key !== undefined && 'value' in key && !cert.value.checkPrivateKey(key.value)) {
    problems.push(
      problem(
        'engine/tls-files',
        `the key ${tls.key} does not belong to the client certificate ${tls.cert}`,
        {
          hint: 'set engine.tls.cert and engine.tls.key to files that belong together',
        },
      ),
    );
  }
  return problems;
}

type Read<T> = { readonly value: T } | { readonly wrong: Problem } | undefined;

async function read<T>(file: string | undefined, what: string, parse: (text: Buffer) => T): Promise<Read<T>> {
  if (file === undefined) return undefined;
  const wrong = (why: string, hint: string) => ({
    wrong: problem('engine/tls-files', `${what}, ${file}, ${why}`, { hint }),
  });
  let text: Buffer;
  try {
    text = await readFile(file);
  } catch (error) {
    throwDenied(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT')
      return wrong('does not exist', 'check the path: it is relative to the file that sets it');
    return wrong(`cannot be read (${code})`, 'make it readable for this user');
  }
  try {
    return { value: parse(text) };
  } catch {
    if (/ENCRYPTED/.test(text.toString('latin1')))
      return wrong(
        'is encrypted',
        'use a key without a passphrase that only you can read; buildctl takes none',
      );
    return wrong('is not a PEM file', 'use a file that begins with -----BEGIN');
  }
}

function toCertificate(text: Buffer): X509Certificate {
  return new X509Certificate(text);
}

function toKey(text: Buffer): KeyObject {
  return createPrivateKey(text);
}

function checkDates({ validFrom, validTo }: X509Certificate, file: string, now: Date): Problem | undefined {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const day = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
  const ago = (ms: number): string => (ms < 2 * DAY_MS ? '' : `, ${Math.floor(ms / DAY_MS)} days ago`);
  if (to < now.getTime()) {
    const message = `the client certificate ${file} expired at ${day(to)} UTC${ago(now.getTime() - to)}`;
    return problem('engine/client-certificate', message, {
      hint: 'get a new one from the authority that the engines trust',
    });
  }
  if (from <= now.getTime()) return undefined;
  return problem(
    'engine/client-certificate',
    `the client certificate ${file} is not valid before ${day(from)} UTC`,
    {
      hint: `correct this machine's clock (now ${day(now.getTime())} UTC), or wait`,
    },
  );
}
