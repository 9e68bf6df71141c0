/**
 * A client of registries that shares nothing with ours: plain requests and the `tar` of the system. What it finds in an
 * image is what anybody would find.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { runCommand } from './command.ts';

const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

function send(method: string, url: string, headers: Record<string, string>, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent: false, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          type: answer.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function split(ref: string): { readonly base: string; readonly reference: string } {
  const found = /^([^/]+)\/(.+?)(?:@(sha256:[0-9a-f]{64})|:([^:/@]+))$/.exec(ref);
  if (found === null) throw new Error(`not a reference: ${ref}`);
  return { base: `http://${found[1]}/v2/${found[2]}`, reference: found[3] ?? found[4] ?? '' };
}

async function getManifest(ref: string): Promise<Answer> {
  const { base, reference } = split(ref);
  return send('GET', `${base}/manifests/${reference}`, { accept: MANIFEST_TYPES });
}

/** Digest of what a reference (`host/path:tag`) points at; undefined where it points at nothing. */
export async function digestOf(ref: string): Promise<string | undefined> {
  const { status, body } = await getManifest(ref);
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`${ref}: status ${status}`);
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

/** Takes a manifest out of a repository (the registry has no way to take a single tag). */
export async function deleteManifest(ref: string): Promise<void> {
  const digest = await digestOf(ref);
  if (digest === undefined) throw new Error(`${ref} does not exist`);
  const { status } = await send('DELETE', `${split(ref).base}/manifests/${digest}`, {});
  if (status !== 202) throw new Error(`${ref} cannot be deleted: status ${status}`);
}

/** Platforms of an image, with the digest of each; empty: it is for one platform. */
export async function platformsOf(ref: string): Promise<ReadonlyMap<string, string>> {
  const { status, body } = await getManifest(ref);
  if (status !== 200) throw new Error(`${ref}: status ${status}`);
  const { manifests = [] } = JSON.parse(body.toString()) as {
    readonly manifests?: readonly {
      readonly digest: string;
      readonly platform?: { readonly os: string; readonly architecture: string };
    }[];
  };
  return new Map(
    manifests.map(({ digest, platform }) => [`${platform?.os}/${platform?.architecture}`, digest]),
  );
}

/** Makes a tag point at what another reference of the same repository points at, as anybody with a client could. */
export async function overwriteTag(ref: string, source: string): Promise<void> {
  const { body, type, status: found } = await getManifest(source);
  if (found !== 200) throw new Error(`${source}: status ${found}`);
  const { base, reference } = split(ref);
  const { status } = await send('PUT', `${base}/manifests/${reference}`, { 'content-type': type }, body);
  if (status !== 201) throw new Error(`${ref} cannot be put: status ${status}`);
}

/** Pulls an image of one platform, checks every digest, and unpacks its layers into `dir`, which is made anew. */
export async function unpackImage(ref: string, dir: string): Promise<void> {
  const { base } = split(ref);
  let { status, body } = await getManifest(ref);
  if (status !== 200) throw new Error(`${ref}: status ${status}`);
  const index = JSON.parse(body.toString()) as {
    readonly manifests?: readonly { readonly digest: string }[];
  };
  const [first] = index.manifests ?? [];
  if (first !== undefined)
    ({ body, status } = await getManifest(`${ref.replace(/:[^:/]+$/, '')}@${first.digest}`));
  const manifest = JSON.parse(body.toString()) as {
    readonly layers: readonly { readonly digest: string; readonly size: number }[];
  };
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  for (const { digest, size } of manifest.layers) {
    const blob = await send('GET', `${base}/blobs/${digest}`, {});
    const real = `sha256:${createHash('sha256').update(blob.body).digest('hex')}`;
    if (blob.status !== 200 || real !== digest || blob.body.length !== size) {
      throw new Error(`${ref}: the layer ${digest} is not what it should be`);
    }
    const archive = path.join(dir, '.layer');
    await writeFile(archive, blob.body);
    const done = await runCommand(['tar', '-xzf', archive, '-C', dir]);
    if (done.exitCode !== 0) throw new Error(`${ref}: ${done.stderr}`);
    await rm(archive);
  }
}
