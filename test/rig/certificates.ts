/** Throw-away certificates, made with openssl. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Cleanup, makeTempDir } from './temp.ts';

const run = promisify(execFile);

/** A certificate and its key, and their texts. */
export interface Pair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Whom a certificate is for. */
export interface Wanted {
  /** `DNS:…` and `IP:…`: it is a server's; default: a client's. */
  readonly names?: readonly string[];
  /** It was valid until yesterday; default: for two days from now on. */
  readonly expired?: boolean;
}

/** Somebody who signs certificates. */
export interface Authority {
  readonly caFile: string;
  readonly ca: string;
  readonly issue: (name: string, wanted?: Wanted) => Promise<Pair>;
}

/** Makes an authority with a name of its own. */
export async function makeAuthority(t: Cleanup, authority = 'bake-ts test authority'): Promise<Authority> {
  const dir = await makeTempDir(t, 'bake-ts-certs-');
  const at = (name: string): string => path.join(dir, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const openssl = (...args: readonly string[]) => run('openssl', args);
  const subject = ['-days', '2', '-subj', `/CN=${authority}`];
  await openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), ...subject);
  return {
    caFile: at('ca.pem'),
    ca: await readFile(at('ca.pem'), 'utf8'),
    issue: async (name, { names, expired } = {}) => {
      const [certFile, keyFile] = [at(`${name}.pem`), at(`${name}.key`)];
      const use =
        names === undefined
          ? 'extendedKeyUsage=clientAuth'
          : `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth`;
      await writeFile(at(`${name}.ext`), `${use}\nbasicConstraints=CA:FALSE\n`);
      await openssl('req', ...newKey, '-keyout', keyFile, '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
      await openssl(
        ...['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
        ...[
          '-CAcreateserial',
          '-days',
          expired === true ? '-1' : '2',
          '-extfile',
          at(`${name}.ext`),
          '-out',
          certFile,
        ],
      );
      return {
        certFile,
        keyFile,
        cert: await readFile(certFile, 'utf8'),
        key: await readFile(keyFile, 'utf8'),
      };
    },
  };
}

/** PEM files and their texts. */
export interface Certificates {
  readonly caFile: string;
  readonly ca: string;
  /** For 127.0.0.1, localhost, and the names that were wanted. */
  readonly server: Pair;
  readonly client: Pair;
}

/** Makes an authority, and a server's and a client's certificate signed by it. */
export async function makeCertificates(t: Cleanup, names: readonly string[] = []): Promise<Certificates> {
  const { caFile, ca, issue } = await makeAuthority(t);
  const hosts = ['IP:127.0.0.1', 'DNS:localhost', ...names.map((name) => `DNS:${name}`)];
  return { caFile, ca, server: await issue('server', { names: hosts }), client: await issue('client') };
}
