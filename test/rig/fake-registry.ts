/**
 * A registry within the test's process: a whole store, a log of what it was asked, and faults on demand. Whole runs take
 * milliseconds with it. What real registries do is tested against real ones (`registry.ts`); a server whose every answer
 * is made up by the test is `fault-registry.ts`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isDigest } from '../../lib/model/mod.ts';
import { type FaultRule, type InjectedFault, RegistryFaults } from './fake-registry-faults.ts';
import { digestOfBytes, FakeRegistryStore } from './fake-registry-store.ts';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** A request as it came, and what became of it. */
export interface RegistryRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Who asks, as far as the User-Agent tells. */
  readonly from: 'bake-ts' | 'engine';
  readonly accept: string;
  /** Undefined: not answered, or cut. */
  status: number | undefined;
}

/** How it behaves. */
export interface FakeRegistryOptions {
  /**
   * Takes manifests that name what is not there, as some registries do, and believes what is said of a blob's digest:
   * whoever pushes has to see to the order and to the bytes. Default: refuses both, as distribution does.
   */
  readonly lax?: boolean;
}

/** A registry that runs. */
export interface FakeRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly store: FakeRegistryStore;
  readonly requests: readonly RegistryRequest[];
  /** `METHOD PATH STATUS` of each request, in order; `-` where no answer was sent. */
  lines(): readonly string[];
  /** Those that change something. */
  writes(): readonly string[];
  /** Forgets the requests so far. */
  forget(): void;
  /** From now on, until it is removed. */
  fault(rule: FaultRule): InjectedFault;
  /** No faults any more; what is held goes on. */
  mend(): void;
  /** Tags that were put while something below was not there: `repository:tag`. Only a lax one takes such. */
  readonly earlyTags: readonly string[];
  /** Connections that are open, by who made them. */
  openSockets(from: RegistryRequest['from']): number;
}

const API_VERSION = 'docker-distribution-api-version';
const NAME = '[a-z0-9]+(?:[._/-]+[a-z0-9]+)*';
const ROUTE = new RegExp(`^/v2/(${NAME})/(manifests|blobs|tags)/(.+)$`);

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** Starts one on a free port, with storage of its own, until the test is over. */
export async function startFakeRegistry(
  t: Cleanup,
  options: FakeRegistryOptions = {},
): Promise<FakeRegistry> {
  const store = new FakeRegistryStore();
  const faults = new RegistryFaults();
  const sockets = new Map<Socket, RegistryRequest['from'] | undefined>();
  const earlyTags: string[] = [];
  let requests: RegistryRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://unused');
    const seen: RegistryRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      from: /bake-ts/.test(incoming.headers['user-agent'] ?? '') ? 'bake-ts' : 'engine',
      accept: incoming.headers.accept ?? '',
      status: undefined,
    };
    requests.push(seen);
    sockets.set(incoming.socket, seen.from);
    serve(seen, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, undefined);
    socket.on('close', () => sockets.delete(socket));
  });

  const serve = async (seen: RegistryRequest, incoming: IncomingMessage, outgoing: ServerResponse) => {
    const fault = faults.take(seen);
    if (fault?.cutsBody === true) {
      await new Promise<void>((resolve) => {
        incoming.once('data', () => resolve());
        incoming.once('end', () => resolve());
      });
      incoming.socket.destroy();
      return;
    }
    // A body that breaks off is no upload.
    const body = await readAll(incoming);
    let answer: 'cut' | Answer | undefined = await fault?.before();
    if (answer === undefined) {
      const own = handle(store, seen, incoming, body, options.lax === true);
      const put = seen.method === 'PUT' ? /^\/v2\/(.+)\/manifests\/([^:]+)$/.exec(seen.path) : null;
      if (put !== null && store.missingBelow(put[1] ?? '', { bytes: body }).length > 0)
        earlyTags.push(`${put[1]}:${put[2]}`);
      answer = (await fault?.after()) ?? own;
    }
    if (answer === 'cut') {
      incoming.socket.destroy();
      return;
    }
    seen.status = answer.status;
    const content = Buffer.from(answer.body ?? '');
    const location = answer.headers?.['location'];
    outgoing.writeHead(answer.status, {
      [API_VERSION]: 'registry/2.0',
      'content-length': String(content.length),
      ...answer.headers,
      // Whole, and as the client spoke to us, as distribution does it.
      ...(location === undefined ? {} : { location: `http://${incoming.headers.host}${location}` }),
    });
    outgoing.end(seen.method === 'HEAD' ? undefined : content);
  };

  t.after(() => faults.clear());
  const port = await listenOnLoopback(t, server);
  const lines = () =>
    requests.map(({ method, path, status }) => `${method} ${path} ${status === undefined ? '-' : status}`);
  return {
    host: `127.0.0.1:${port}`,
    store,
    get requests() {
      return requests;
    },
    lines,
    writes: () => lines().filter((line) => !/^(?:GET|HEAD) /.test(line)),
    forget() {
      requests = [];
    },
    earlyTags,
    fault: (rule) => faults.add(rule),
    mend: () => faults.clear(),
    openSockets: (from) => [...sockets.values()].filter((one) => one === from).length,
  };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function handle(
  store: FakeRegistryStore,
  seen: RegistryRequest,
  incoming: IncomingMessage,
  body: Buffer,
  lax: boolean,
): Answer {
  const { method, path, query } = seen;
  if (path === '/v2/' || path === '/v2') return { status: 200, body: '{}' };
  const [, name = '', kind, rest = ''] = ROUTE.exec(path) ?? [];
  if (kind === 'manifests')
    return handleManifest(store, name, rest, seen, body, lax, incoming.headers['content-type']);
  if (kind === 'tags' && rest === 'list' && method === 'GET') {
    const tags = store.tagsOf(name);
    if (tags === undefined) return specError(404, 'NAME_UNKNOWN');
    return { status: 200, headers: JSON_TYPE, body: JSON.stringify({ name, tags }) };
  }
  if (kind === 'blobs' && rest.startsWith('uploads/')) {
    const id = rest.slice('uploads/'.length);
    if (id !== '') return handleUpload(store, name, id, method, query, body, incoming, lax);
  }
  if (kind === 'blobs' && rest === 'uploads/' && method === 'POST') return beginUpload(store, name, query);
  if (kind === 'blobs') return handleBlob(store, name, rest, method);
  return specError(404, 'UNSUPPORTED');
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** An error as the distribution spec words it. */
export function specError(status: number, code: string): Answer {
  return {
    status,
    headers: JSON_TYPE,
    body: JSON.stringify({ errors: [{ code, message: `${code} says the fake registry` }] }),
  };
}

function handleManifest(
  store: FakeRegistryStore,
  name: string,
  reference: string,
  { method, accept }: RegistryRequest,
  body: Buffer,
  lax: boolean,
  mediaType: string | undefined,
): Answer {
  if (method === 'PUT') {
    const digest = digestOfBytes(body);
    if (reference.startsWith('sha256:') && reference !== digest) return specError(400, 'DIGEST_INVALID');
    const manifest = parse(body);
    if (manifest === undefined || mediaType === undefined) return specError(400, 'MANIFEST_INVALID');
    if (!lax && store.missingBelow(name, { bytes: body }).length > 0)
      return specError(400, 'MANIFEST_BLOB_UNKNOWN');
    store.putManifest(name, reference, { mediaType, bytes: body });
    return {
      status: 201,
      headers: { location: `/v2/${name}/manifests/${digest}`, 'docker-content-digest': digest },
    };
  }
  const found = store.manifest(name, reference);
  if (method === 'DELETE') {
    if (!store.deleteManifest(name, reference)) return specError(404, 'MANIFEST_UNKNOWN');
    return { status: 202 };
  }
  if (method !== 'GET' && method !== 'HEAD') return specError(405, 'UNSUPPORTED');
  if (found === undefined) return specError(404, 'MANIFEST_UNKNOWN');
  const types = accept.split(',').map((type) => type.split(';')[0]?.trim());
  // `*/*` is not enough for distribution 2.
  if (!types.includes(found.mediaType)) return specError(404, 'MANIFEST_UNKNOWN');
  return {
    status: 200,
    headers: { 'content-type': found.mediaType, 'docker-content-digest': found.digest },
    body: found.bytes,
  };
}

function parse(body: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function handleBlob(store: FakeRegistryStore, name: string, digest: string, method: string): Answer {
  if (method === 'DELETE')
    return store.deleteBlob(name, digest) ? { status: 202 } : specError(404, 'BLOB_UNKNOWN');
  if (method !== 'GET' && method !== 'HEAD') return specError(405, 'UNSUPPORTED');
  const bytes = store.blob(name, digest);
  if (bytes === undefined) return specError(404, 'BLOB_UNKNOWN');
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'docker-content-digest': digest },
    body: bytes,
  };
}

function beginUpload(store: FakeRegistryStore, name: string, query: URLSearchParams): Answer {
  const [mount, from] = [query.get('mount'), query.get('from')];
  if (mount !== null && from !== null && store.mount(name, from, mount)) return created(name, mount);
  const { id } = store.beginUpload(name);
  return {
    status: 202,
    headers: { location: `/v2/${name}/blobs/uploads/${id}?state=1`, range: '0-0', 'docker-upload-uuid': id },
  };
}

function created(name: string, digest: string): Answer {
  return {
    status: 201,
    headers: { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest },
  };
}

function handleUpload(
  store: FakeRegistryStore,
  name: string,
  id: string,
  method: string,
  query: URLSearchParams,
  body: Buffer,
  incoming: IncomingMessage,
  lax: boolean,
): Answer {
  const upload = store.upload(id);
  if (upload === undefined || upload.repository !== name) return specError(404, 'BLOB_UPLOAD_UNKNOWN');
  const range = `0-${Math.max(0, upload.bytes.length - 1)}`;
  if (method === 'GET') return { status: 204, headers: { range } };
  if (method === 'DELETE') {
    store.endUpload(id);
    return { status: 204 };
  }
  if (method !== 'PATCH' && method !== 'PUT') return specError(405, 'UNSUPPORTED');
  const start = /^(\d+)-/.exec(incoming.headers['content-range'] ?? '')?.[1];
  if (start !== undefined && Number(start) !== upload.bytes.length)
    return { ...specError(416, 'BLOB_UPLOAD_INVALID'), headers: { ...JSON_TYPE, range } };
  upload.bytes = Buffer.concat([upload.bytes, body]);
  if (method === 'PATCH') {
    return {
      status: 202,
      headers: {
        location: `/v2/${name}/blobs/uploads/${id}?state=2`,
        range: `0-${Math.max(0, upload.bytes.length - 1)}`,
      },
    };
  }
  store.endUpload(id);
  const digest = query.get('digest');
  if (digest === null || !isDigest(digest)) return specError(400, 'DIGEST_INVALID');
  if (!lax && digest !== digestOfBytes(upload.bytes)) return specError(400, 'DIGEST_INVALID');
  store.putBlob(name, upload.bytes, digest);
  return created(name, digest);
}
