/**
 * Real registries, with what tests want of them: sign-in, TLS, a request log, an end and a new beginning. Each is a
 * program that takes `serve FILE` with distribution's settings and writes an access log.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineBinary } from './engine-bin.ts';
import { sendRequest } from './http.ts';
import { freePort } from './port.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** A registry's program, and what it has. */
export interface RegistryKind {
  readonly name: string;
  /** Absolute path. */
  readonly program: string;
  /** False where the program is there, else why tests with it are skipped. */
  readonly skip: false | string;
  /** Asks who is there, where wanted: a password file, or a token server. */
  readonly signsIn: boolean;
  /** Can be a pull-through cache. */
  readonly caches: boolean;
  /** Has `Docker-Distribution-Api-Version` in every answer, so that a 404 to HEAD is known for its own. */
  readonly saysWhatItIs: boolean;
  /** Takes a blob over from another repository when asked to; else it has to be sent. */
  readonly mounts: boolean;
  /** Lists what refers to an image by itself; else whoever refers keeps the fallback tag. */
  readonly listsReferrers: boolean;
}

/** Those that `.ci/registries.mjs` compiles. */
export const registryKinds: readonly RegistryKind[] = ['distribution-2', 'distribution-3', 'ggcr'].map(
  (name) => {
    const dir = process.env['BAKE_TS_TEST_REGISTRIES'] ?? '';
    const distribution = name !== 'ggcr';
    return {
      name,
      program: path.join(dir, name),
      skip: dir === '' ? 'no registries: npm test compiles them' : false,
      signsIn: distribution,
      caches: distribution,
      saysWhatItIs: distribution,
      mounts: distribution,
      listsReferrers: !distribution,
    };
  },
);

/** How to start one. */
export interface RegistryOptions {
  /** Default: the one that comes with the engine (distribution 2.8 or 3). */
  readonly kind?: RegistryKind;
  /** `true` asks for the user name and password of `testUser`; else tokens of a token server are asked for. */
  readonly auth?: boolean | TokenSettings;
  /** PEM files to serve https with; `clientCaFile`: clients have to show a certificate of that authority. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string };
  /** Where it listens; default: 127.0.0.1. */
  readonly address?: string;
  /** Upstream registry (`http://HOST`) that it is a pull-through cache of. */
  readonly proxy?: string;
}

/** Whose tokens a registry takes (distribution, configuration.md, "token"). */
export interface TokenSettings {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** Certificates that tokens are signed with. */
  readonly rootcertbundle: string;
}

/** A registry that runs. */
export interface RunningRegistry {
  /** `127.0.0.1:PORT`, or another address that was wanted. */
  readonly host: string;
  /** `METHOD PATH STATUS` of each request, in order, without the requests of starting it. */
  requests(): Promise<readonly string[]>;
  /** Those that change something. */
  writes(): Promise<readonly string[]>;
  /** Forgets the requests so far. */
  forget(): Promise<void>;
  /** Stops it; what it keeps on disk stays until the test is over. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same disk. */
  start(): Promise<void>;
}

/** The only user of a registry with sign-in. */
export const testUser: { readonly username: string; readonly password: string } = {
  username: 'tester',
  password: 'secret-word',
};
/** bcrypt of that password, at the lowest cost. */
const HTPASSWD = 'tester:$2b$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n';

/** A Docker config with the credentials of `testUser` for some registries. */
export function dockerConfigFor(...hosts: readonly string[]): string {
  const auth = Buffer.from(`${testUser.username}:${testUser.password}`).toString('base64');
  return JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) });
}

/** Starts a registry with storage of its own on a free port; stopped after the test. Deleting is allowed. */
export async function startRegistry(t: Cleanup, options: RegistryOptions = {}): Promise<RunningRegistry> {
  const { kind, auth, tls, proxy, address = '127.0.0.1' } = options;
  const program = kind?.program ?? engineBinary('registry');
  const dir = await makeTempDir(t, 'bake-ts-registry-');
  const host = `${address}:${await freePort()}`;
  const htpasswd = path.join(dir, 'htpasswd');
  await writeFile(htpasswd, HTPASSWD);
  const file = path.join(dir, 'config.yml');
  const logFile = path.join(dir, 'registry.log');
  await writeFile(
    file,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: path.join(dir, 'data') }, delete: { enabled: true } },
      http: {
        addr: host,
        ...(tls === undefined
          ? {}
          : {
              tls: {
                certificate: tls.certFile,
                key: tls.keyFile,
                ...(tls.clientCaFile === undefined ? {} : { clientcas: [tls.clientCaFile] }),
              },
            }),
      },
      ...(auth === true ? { auth: { htpasswd: { realm: 'test', path: htpasswd } } } : {}),
      ...(typeof auth === 'object' ? { auth: { token: auth } } : {}),
      ...(proxy === undefined ? {} : { proxy: { remoteurl: proxy } }),
    }),
  );
  let stop = async (): Promise<void> => {};
  const start = async (): Promise<void> => {
    // Straight to a file: nothing of the log is lost when the registry is killed.
    const log = openSync(logFile, 'a');
    const child = spawn(program, ['serve', file], {
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/bin:/bin', OTEL_TRACES_EXPORTER: 'none' },
    });
    closeSync(log);
    let running = true;
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        running = false;
        resolve();
      };
      child.on('exit', end);
      child.on('error', end);
    });
    stop = async () => {
      if (running) child.kill('SIGKILL');
      await ended;
    };
    const began = Date.now();
    while (!(await probe(host, tls !== undefined))) {
      if (!running || Date.now() - began > 15_000) {
        throw new Error(`the registry does not start:\n${await readFile(logFile, 'utf8')}`);
      }
      await sleep(20);
    }
  };
  t.after(() => stop());
  await start();
  const lines = async (): Promise<readonly string[]> => {
    // The access log is written after the answer.
    await sleep(50);
    const log = await readFile(logFile, 'utf8');
    return [...log.matchAll(/"(HEAD|GET|PUT|POST|PATCH|DELETE) (\S+) HTTP\/[\d.]+" ([0-9]+)/g)].map(
      ([, method, target, status]) => `${method} ${target} ${status}`,
    );
  };
  let seen = (await lines()).length;
  const requests = async (): Promise<readonly string[]> => (await lines()).slice(seen);
  return {
    host,
    start,
    stop: () => stop(),
    requests,
    writes: async () => (await requests()).filter((line) => !/^(HEAD|GET) /.test(line)),
    async forget() {
      seen = (await lines()).length;
    },
  };
}

/** True when something listens; with TLS a handshake is not tried, as nobody trusts the certificate yet. */
async function probe(host: string, tls: boolean): Promise<boolean> {
  const [address = '', port = ''] = host.split(':');
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port), address);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
  if (!open || tls) return open;
  const answer = await sendRequest('GET', `http://${host}/v2/`).catch(() => undefined);
  return answer !== undefined && answer.status < 500;
}
