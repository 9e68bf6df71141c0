/** The real registry (distribution) with what tests of the registry client want of it: sign-in, TLS, a request log. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineBinary } from './engine-bin.ts';
import { sendRequest } from './http.ts';
import { freePort } from './real-engine.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** How to start it. */
export interface RegistryOptions {
  /** Asks for the user name and password of `testUser`. */
  readonly auth?: boolean;
  /** PEM files to serve https with. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Upstream registry (`http://HOST`) that it is a pull-through cache of. */
  readonly proxy?: string;
}

/** A registry that runs. */
export interface RunningRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `METHOD PATH STATUS` of each request, in order, without the requests of starting it. */
  requests(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** The only user of a registry with sign-in. */
export const testUser: { readonly username: string; readonly password: string } = {
  username: 'tester',
  password: 'secret-word',
};
/** bcrypt of that password, at the lowest cost. */
const HTPASSWD = 'tester:$2b$05$abcdefghijklmnopqrstuuUOabO4v2PoT/v47Y.znQK.9MsMDnesq\n';

/** Starts a registry with storage of its own on a free port; stopped after the test. Deleting is allowed. */
export async function startRegistry(t: Cleanup, options: RegistryOptions = {}): Promise<RunningRegistry> {
  const binary = engineBinary('registry');
  const dir = await makeTempDir(t, 'bake-ts-registry-');
  const host = `127.0.0.1:${await freePort()}`;
  const htpasswd = path.join(dir, 'htpasswd');
  await writeFile(htpasswd, HTPASSWD);
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: path.join(dir, 'data') }, delete: { enabled: true } },
    http: {
      addr: host,
      ...(options.tls === undefined
        ? {}
        : { tls: { certificate: options.tls.certFile, key: options.tls.keyFile } }),
    },
    ...(options.auth === true ? { auth: { htpasswd: { realm: 'test', path: htpasswd } } } : {}),
    ...(options.proxy === undefined ? {} : { proxy: { remoteurl: options.proxy } }),
  };
  const file = path.join(dir, 'config.yml');
  await writeFile(file, JSON.stringify(config));
  let log = '';
  const child = spawn(binary, ['serve', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', OTEL_TRACES_EXPORTER: 'none' },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      log += text;
    });
  }
  let running = true;
  const ended = new Promise<void>((resolve) =>
    child.on('close', () => {
      running = false;
      resolve();
    }),
  );
  const stop = async (): Promise<void> => {
    if (running) child.kill('SIGKILL');
    await ended;
  };
  t.after(stop);
  const lines = (): string[] =>
    [...log.matchAll(/"(HEAD|GET|PUT|POST|PATCH|DELETE) (\S+) HTTP\/1.1" ([0-9]+)/g)].map(
      ([, method, target, status]) => `${method} ${target} ${status}`,
    );
  const began = Date.now();
  for (;;) {
    if (!running || Date.now() - began > 15_000) throw new Error(`the registry does not start:\n${log}`);
    const answer = await probe(host, options.tls !== undefined);
    if (answer) break;
    await sleep(20);
  }
  await sleep(20);
  const before = lines().length;
  return {
    host,
    stop,
    async requests() {
      // The access log is written after the answer.
      await sleep(50);
      return lines().slice(before);
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
