/**
 * The real engine that `.ci/test.mjs` starts and hands to the tests through the environment. Tests that need it say
 * so with `{ skip: realEngine.skip }`: a reason in words where there is none, and a skipped test in the totals.
 * (`t.skip()` inside a test counts as passed under Deno, so it is not used.)
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendRequest } from './http.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** Binaries and the address of a running buildkitd. */
export interface RealEngine {
  /** Directory with buildctl, buildkitd, containerd, containerd-shim-runc-v2, ctr, runc and registry. */
  readonly binDir: string;
  /** Address of a buildkitd that runs. */
  readonly address: string;
  /** containerd's socket behind it (namespace `buildkit`), for an independent look with ctr. */
  readonly containerdSocket: string;
  /** False where there is an engine, else why the test is skipped. */
  readonly skip: false | string;
}

/** The engine of this test run. */
export const realEngine: RealEngine = readRealEngine();

function readRealEngine(): RealEngine {
  const binDir = process.env['BAKE_TS_TEST_ENGINE_BIN'] ?? '';
  const address = process.env['BAKE_TS_TEST_BUILDKIT'] ?? '';
  const containerdSocket = process.env['BAKE_TS_TEST_CONTAINERD'] ?? '';
  const there = binDir !== '' && address !== '';
  return { binDir, address, containerdSocket, skip: there ? false : 'no engine: npm test starts one' };
}

/** A registry with a log of who asked it for what. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `METHOD PATH` of each request so far, in order. */
  requests(): Promise<readonly string[]>;
  /** The requests that change something (PUT, POST, PATCH, DELETE). */
  writes(): Promise<readonly string[]>;
  /** Forgets the requests so far. */
  forget(): Promise<void>;
  /** Stops it; its storage stays until the test is over. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same storage. */
  start(): Promise<void>;
}

/** Starts the real registry on a free port, with storage of its own, until the test is over. Deleting is allowed. */
export async function startTestRegistry(t: Cleanup): Promise<TestRegistry> {
  const dir = await makeTempDir(t, 'registry-');
  const host = `127.0.0.1:${await freePort()}`;
  const config = path.join(dir, 'config.yml');
  const logFile = path.join(dir, 'registry.log');
  await writeFile(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: false } },
      storage: { filesystem: { rootdirectory: path.join(dir, 'data') }, delete: { enabled: true } },
      http: { addr: host },
    }),
  );
  let skipLines = 0;
  let stop: () => Promise<void> = async () => {};
  const start = async (): Promise<void> => {
    const log = openSync(logFile, 'a');
    const child = spawn(path.join(realEngine.binDir, 'registry'), ['serve', config], {
      stdio: ['ignore', log, log],
      env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
    });
    const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    stop = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 20) {
      const answer = await sendRequest('GET', `http://${host}/v2/`).catch(() => undefined);
      if (answer?.status === 200) return;
      await sleep(20);
    }
    throw new Error(`the registry does not answer:\n${await readFile(logFile, 'utf8')}`);
  };
  const lines = async (): Promise<string[]> => {
    const text = await readFile(logFile, 'utf8');
    return [...text.matchAll(/"(HEAD|GET|PUT|POST|PATCH|DELETE) (\S+) HTTP/g)].map(
      ([, method, target]) => `${method} ${target}`,
    );
  };
  await start();
  skipLines = (await lines()).length;
  t.after(() => stop());
  return {
    host,
    start,
    stop: () => stop(),
    requests: async () => (await lines()).slice(skipLines),
    writes: async () => (await lines()).slice(skipLines).filter((line) => !/^(HEAD|GET) /.test(line)),
    async forget() {
      skipLines = (await lines()).length;
    },
  };
}

/** A TCP port of the loopback interface that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
