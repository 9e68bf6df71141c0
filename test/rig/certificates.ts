/** Throw-away certificates, made with openssl. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Cleanup, makeTempDir } from './temp.ts';

const run = promisify(execFile);

/** PEM files and their texts. */
export interface Certificates {
  readonly caFile: string;
  readonly ca: string;
  /** For 127.0.0.1, localhost, and the names that were wanted. */
  readonly server: {
    readonly certFile: string;
    readonly keyFile: string;
    readonly cert: string;
    readonly key: string;
  };
  readonly client: { readonly certFile: string; readonly keyFile: string };
}

/** Makes an authority, and a server's and a client's certificate signed by it. */
export async function makeCertificates(t: Cleanup, names: readonly string[] = []): Promise<Certificates> {
  const dir = await makeTempDir(t, 'bake-ts-certs-');
  const at = (name: string): string => path.join(dir, name);
  const openssl = (...args: string[]) => run('openssl', args);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=bake-ts test authority',
  );
  const hosts = ['IP:127.0.0.1', 'DNS:localhost', ...names.map((name) => `DNS:${name}`)].join(',');
  const extensions = {
    server: `subjectAltName=${hosts}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
    client: 'extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n',
  };
  for (const name of ['server', 'client'] as const) {
    await writeFile(at(`${name}.ext`), extensions[name]);
    await openssl(
      'req',
      ...newKey,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${name}`,
    );
    await openssl(
      ...[
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
      ],
      ...['-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`)],
    );
  }
  const [certFile, keyFile] = [at('server.pem'), at('server.key')];
  return {
    caFile: at('ca.pem'),
    ca: await readFile(at('ca.pem'), 'utf8'),
    server: {
      certFile,
      keyFile,
      cert: await readFile(certFile, 'utf8'),
      key: await readFile(keyFile, 'utf8'),
    },
    client: { certFile: at('client.pem'), keyFile: at('client.key') },
  };
}
