/**
 * A cluster without nodes: Kubernetes' own API server on etcd, with RBAC, users and certificates of its own. No scheduler, no controllers and
 * no kubelet run: pods are created on a node that is said to be there, their status is written by the test, and what `kubectl exec` reaches on that
 * node is `.ci/kubernetes/kubelet`, which speaks a kubelet's protocol and has one command, `buildctl dial-stdio`, against a buildkitd of this machine.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authority, makeAuthority, type Pair } from './certificates.ts';
import { poolSkip } from './pool.ts';
import { freePort } from './port.ts';
import { realEngine } from './real-engine.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

const PROGRAMS = process.env['BAKE_TS_TEST_KUBERNETES'] ?? '';

/** Why there is no cluster here; false: there can be one. */
export const kubernetesSkip: string | false = skipReason();

function skipReason(): string | false {
  if (poolSkip !== false) return poolSkip;
  if (PROGRAMS === '') return 'long: BAKE_TS_TEST_LONG=1 compiles an API server, and runs it';
  return isProgram('kubectl') ? false : 'kubectl is not on PATH';
}

function isProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((dir) => {
    try {
      accessSync(path.join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A pod as it is created. */
export interface PodOptions {
  /** Address of the buildkitd "in" it; absent: none runs there. */
  readonly engine?: string;
  /** Default: `app: buildkitd`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a pod; default: a container `buildkitd`. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Default: Running, and Ready. */
  readonly status?: object;
}

/** A cluster that runs. */
export interface KubeApi {
  /**
   * A file with contexts, each of a user of that name: `admin`; `builder` and `stranger`, who may do nothing yet; `unknown`, whose token nobody knows; `expired`,
   * a service account whose token was good until yesterday; `away`, a server that does not run; `foreign`, one whose authority is another.
   */
  readonly kubeconfig: string;
  /** Its version as it says it. */
  readonly version: string;
  /** Asks the API as admin; fails where it does not agree. */
  readonly api: (method: string, target: string, body?: object) => Promise<unknown>;
  /** Creates a pod in the namespace `ci`. */
  readonly addPod: (name: string, options?: PodOptions) => Promise<void>;
  readonly setStatus: (name: string, status: object) => Promise<void>;
  /** As `kubectl delete pod`; `isNow`: what a kubelet does at the end of that. */
  readonly deletePod: (name: string, isNow?: boolean) => Promise<void>;
  /** Ends the API server, as SIGKILL does, or starts it again. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Most memory that etcd and the API server have had (bytes). */
  readonly memory: () => Promise<{ readonly etcd: number; readonly apiServer: number }>;
}

/** What a pod says that builds. */
export const READY: object = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const NODE = 'node-1';
const TOKENS = { admin: 'admin-token', builder: 'builder-token', stranger: 'stranger-token' };
const ISSUER = 'https://kubernetes.default.svc';

/** Starts a cluster with a namespace `ci` and no pods; gone after the test. */
export async function startKubeApi(t: Cleanup): Promise<KubeApi> {
  const dir = await makeTempDir(t, 'bake-ts-kube-');
  const at = (name: string): string => path.join(dir, name);
  const authority = await makeAuthority(t, 'cluster');
  const processes = new Processes(t, dir);
  const etcd = await startEtcd(processes, at('etcd'));
  const kubelet = await startKubelet(processes, authority, at('containers.json'));
  const port = await freePort();
  const accounts = await authority.issue('accounts');
  const argv = await apiServerArgv({ authority, accounts, etcd, port, dir });
  const ca = authority.ca;
  const call: ApiCall = { port, ca, token: TOKENS.admin };
  let server: Running | undefined;
  const start = async () => {
    server = processes.start('kube-apiserver', argv);
    await until('the API server', server, async () => (await ask(call, 'GET', '/readyz')).status === 200);
  };
  await start();
  const api = async (method: string, target: string, body?: object): Promise<unknown> => {
    const { status, text } = await ask(call, method, target, body);
    assert(status < 300, `${method} ${target}: ${status} ${text}`);
    return JSON.parse(text);
  };
  await addNode(api, kubelet.port);
  await api('POST', '/api/v1/namespaces', { metadata: { name: 'ci' } });
  const kubeconfig = at('kubeconfig');
  await writeKubeconfig(t, kubeconfig, { authority, accountsKey: accounts.key, port });
  const { gitVersion } = (await api('GET', '/version')) as { readonly gitVersion: string };
  const containers: Record<string, string> = {};
  const setStatus = async (name: string, status: object) => {
    await api('PATCH', `/api/v1/namespaces/ci/pods/${name}/status`, { status });
  };
  return {
    kubeconfig,
    version: gitVersion,
    api,
    setStatus,
    async addPod(name, { engine, labels = { app: 'buildkitd' }, spec, status = READY } = {}) {
      const plain = { containers: [{ name: 'buildkitd', image: 'moby/buildkit' }] };
      await api('POST', '/api/v1/namespaces/ci/pods', {
        metadata: { name, labels },
        spec: { ...(spec ?? plain), nodeName: NODE },
      });
      if (engine !== undefined) containers[`ci/${name}/buildkitd`] = engine;
      await writeFile(at('containers.json'), JSON.stringify(containers));
      await setStatus(name, status);
    },
    async deletePod(name, isNow = false) {
      const now = isNow ? '?gracePeriodSeconds=0' : '';
      await api('DELETE', `/api/v1/namespaces/ci/pods/${name}${now}`);
    },
    start,
    stop: async () => server?.kill(),
    memory: async () => ({ etcd: await etcd.peak(), apiServer: (await server?.peak()) ?? 0 }),
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly isOver: () => boolean;
  readonly kill: () => Promise<void>;
  readonly log: () => Promise<string>;
  /** Most memory so far (bytes). */
  readonly peak: () => Promise<number>;
}

/** Programs of the cluster; the last one started is ended first. */
class Processes {
  readonly #t: Cleanup;
  readonly #dir: string;

  constructor(t: Cleanup, dir: string) {
    this.#t = t;
    this.#dir = dir;
  }

  start(name: string, argv: readonly string[]): Running {
    const logFile = path.join(this.#dir, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(path.join(PROGRAMS, name), argv, {
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/bin:/bin', HOME: this.#dir },
    });
    closeSync(log);
    let over = false;
    const ended = new Promise<void>((resolve) => {
      const end = () => {
        over = true;
        resolve();
      };
      child.on('exit', end);
      child.on('error', end);
    });
    const kill = async () => {
      if (!over) child.kill('SIGKILL');
      await ended;
    };
    this.#t.after(kill);
    return {
      child,
      kill,
      isOver: () => over,
      log: () => readFile(logFile, 'utf8'),
      peak: async () => {
        const text = await readFile(`/proc/${child.pid}/status`, 'utf8');
        return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1]) * 1024;
      },
    };
  }
}

async function until(what: string, running: Running, isSo: () => Promise<boolean>): Promise<void> {
  const began = Date.now();
  while (!(await isSo().catch(() => false))) {
    if (running.isOver() || Date.now() - began > 120_000)
      throw new Error(`${what} does not start:\n${(await running.log()).slice(-4_000)}`);
    await sleep(50);
  }
}

async function startEtcd(
  processes: Processes,
  dataDir: string,
): Promise<Running & { readonly address: string }> {
  const address = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const running = processes.start('etcd', [
    ...['--data-dir', dataDir, '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', address, '--advertise-client-urls', address],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `default=${peer}`],
  ]);
  await until('etcd', running, async () => (await fetch(`${address}/health`)).ok);
  return { ...running, address };
}

async function startKubelet(
  processes: Processes,
  authority: Authority,
  containers: string,
): Promise<{ readonly port: number }> {
  const port = await freePort();
  const { certFile, keyFile } = await authority.issue('kubelet', { names: ['IP:127.0.0.1'] });
  await writeFile(containers, '{}');
  processes.start('kubelet', [
    ...['-listen', `127.0.0.1:${port}`, '-cert', certFile, '-key', keyFile, '-client-ca', authority.caFile],
    ...['-containers', containers, '-buildctl', path.join(realEngine.binDir, 'buildctl')],
  ]);
  return { port };
}

async function apiServerArgv(parts: {
  readonly authority: Authority;
  readonly accounts: Pair;
  readonly etcd: { readonly address: string };
  readonly port: number;
  readonly dir: string;
}): Promise<readonly string[]> {
  const { authority, accounts, etcd, port, dir } = parts;
  const names = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes'];
  const [server, client] = await Promise.all([
    authority.issue('api-server', { names }),
    authority.issue('kubelet-client'),
  ]);
  const tokens = path.join(dir, 'tokens.csv');
  await writeFile(
    tokens,
    `${TOKENS.admin},admin,1,"system:masters"\n${TOKENS.builder},builder,2\n${TOKENS.stranger},stranger,3\n`,
  );
  return [
    ...[`--etcd-servers=${etcd.address}`, '--bind-address=127.0.0.1', `--secure-port=${port}`],
    ...[`--tls-cert-file=${server.certFile}`, `--tls-private-key-file=${server.keyFile}`],
    ...[`--client-ca-file=${authority.caFile}`, `--token-auth-file=${tokens}`, '--authorization-mode=RBAC'],
    ...[
      `--service-account-key-file=${accounts.certFile}`,
      `--service-account-signing-key-file=${accounts.keyFile}`,
    ],
    ...[`--service-account-issuer=${ISSUER}`, '--service-cluster-ip-range=10.96.0.0/24'],
    ...[`--kubelet-client-certificate=${client.certFile}`, `--kubelet-client-key=${client.keyFile}`],
    ...[
      `--kubelet-certificate-authority=${authority.caFile}`,
      '--kubelet-preferred-address-types=InternalIP',
    ],
    // Without controllers nobody makes the account that each pod would have.
    ...['--disable-admission-plugins=ServiceAccount', '--allow-privileged'],
    `--cert-dir=${path.join(dir, 'certificates')}`,
  ];
}

interface ApiCall {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

function ask(
  { port, ca, token }: ApiCall,
  method: string,
  target: string,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, ca, method, path: target, headers, agent: false, timeout: 30_000 },
      (answer) => {
        const chunks: Uint8Array[] = [];
        answer.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** What a kubelet says of its node. */
async function addNode(api: KubeApi['api'], port: number): Promise<void> {
  await api('POST', '/api/v1/nodes', { metadata: { name: NODE } });
  await api('PATCH', `/api/v1/nodes/${NODE}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
}

async function writeKubeconfig(
  t: Cleanup,
  file: string,
  parts: { readonly authority: Authority; readonly accountsKey: string; readonly port: number },
): Promise<void> {
  const { authority, accountsKey, port } = parts;
  const other = await makeAuthority(t, 'another cluster');
  const server = `https://127.0.0.1:${port}`;
  const users = { ...TOKENS, unknown: 'no-such-token', expired: expiredToken(accountsKey) };
  const own = ['admin', 'builder', 'stranger', 'unknown', 'expired'];
  const contexts = [
    ...own.map((name) => ({ name, context: { cluster: 'cluster', user: name, namespace: 'ci' } })),
    ...['away', 'foreign'].map((name) => ({ name, context: { cluster: name, user: 'admin' } })),
  ];
  const clusters = [
    { name: 'cluster', cluster: { server, 'certificate-authority': authority.caFile } },
    { name: 'foreign', cluster: { server, 'certificate-authority': other.caFile } },
    { name: 'away', cluster: { server: `https://127.0.0.1:${await freePort()}` } },
  ];
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'builder', contexts, clusters },
    users: Object.entries(users).map(([name, token]) => ({ name, user: { token } })),
  };
  await writeFile(file, JSON.stringify(config));
}

/** A token of a service account, signed as the cluster signs them, that was good until yesterday. */
function expiredToken(key: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const account = { namespace: 'ci', serviceaccount: { name: 'builder', uid: 'none' } };
  const said = {
    ...{ iss: ISSUER, aud: [ISSUER], sub: 'system:serviceaccount:ci:builder' },
    ...{ iat: now - 90_000, nbf: now - 90_000, exp: now - 86_400, 'kubernetes.io': account },
  };
  const text = `${encode({ alg: 'ES256' })}.${encode(said)}`;
  const signature = sign('sha256', Buffer.from(text), {
    key: createPrivateKey(key),
    dsaEncoding: 'ieee-p1363',
  });
  return `${text}.${signature.toString('base64url')}`;
}
