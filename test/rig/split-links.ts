/**
 * How plain buildctl is to read the images of other builds so that its steps are found in the cache of those that bake-ts
 * ran: layers-only images and rules, made here without bake-ts's code. What comes out is compared with plain reading in
 * test/e2e/parent-config.test.ts.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface AnyManifest {
  readonly mediaType: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

const TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * Arguments of buildctl.
 *
 * @param parents name of the context → `HOST/PATH@DIGEST`
 * @param policyFile is written
 */
export async function linkArgs(
  parents: Iterable<readonly [string, string]>,
  policyFile: string,
): Promise<readonly string[]> {
  const args: string[] = [];
  const rules: unknown[] = [];
  for (const [name, ref] of parents) {
    const layers = await findLayersOnly(ref);
    if (layers === undefined) {
      args.push(`--opt=context:${name}=docker-image://${ref}`);
      continue;
    }
    const alias = ref.replace('@', ':oracle@');
    args.push(`--opt=context:${name}=docker-image://${alias}`);
    const convert = (from: string, constraints: readonly unknown[], to: string, attrs: object) =>
      rules.push({
        action: 'CONVERT',
        selector: { identifier: `docker-image://${from}`, match_type: 'EXACT', constraints },
        updates: { identifier: `docker-image://${to}`, attrs },
      });
    convert(alias, [], ref, { looked: 'up' });
    convert(ref, [{ key: 'looked', condition: 'NOTEQUAL', value: 'up' }], layers, {});
  }
  if (rules.length === 0) return args;
  await writeFile(policyFile, JSON.stringify({ rules }));
  return [...args, `--source-policy-file=${policyFile}`];
}

/** The layers-only image beside an image, if it is there. */
async function findLayersOnly(ref: string): Promise<string | undefined> {
  const [name = '', digest = ''] = ref.split('@');
  const base = `http://${name.replace('/', '/v2/')}`;
  const read = async (what: string) => {
    const answer = await fetch(`${base}/${what}`, { headers: { accept: TYPES } });
    return answer.status === 200 ? answer.text() : undefined;
  };
  const text = await makeLayersOnly(digest, async (what) => (await read(what)) ?? '{}');
  if (text === undefined) return undefined;
  const made = digestOf(text);
  return (await read(`manifests/${made}`)) === undefined ? undefined : `${name}@${made}`;
}

async function makeLayersOnly(
  digest: string,
  read: (what: string) => Promise<string>,
): Promise<string | undefined> {
  const manifest = JSON.parse(await read(`manifests/${digest}`)) as AnyManifest;
  if (manifest.manifests !== undefined) {
    const children: object[] = [];
    for (const child of manifest.manifests) {
      if (child.annotations?.['vnd.docker.reference.type'] !== undefined) continue;
      const text = await makeLayersOnly(child.digest, read);
      if (text === undefined) return undefined;
      const { mediaType, platform } = child;
      children.push({ mediaType, digest: digestOf(text), size: Buffer.byteLength(text), platform });
    }
    return JSON.stringify({ schemaVersion: 2, mediaType: manifest.mediaType, manifests: children }, null, 2);
  }
  const { layers = [], config: old } = manifest;
  if (layers.length === 0 || old === undefined) return undefined;
  const { architecture, variant, os, rootfs } = JSON.parse(await read(`blobs/${old.digest}`));
  const created = '1970-01-01T00:00:00Z';
  const config = JSON.stringify({
    architecture,
    config: { OnBuild: ['BAKE_TS_LAYERS_ONLY'] },
    created,
    history: layers.map(() => ({ created })),
    os,
    rootfs: { type: 'layers', diff_ids: rootfs.diff_ids },
    variant,
  });
  const descriptor = {
    mediaType: old.mediaType,
    digest: digestOf(config),
    size: Buffer.byteLength(config),
  };
  return JSON.stringify(
    { schemaVersion: 2, mediaType: manifest.mediaType, config: descriptor, layers },
    null,
    2,
  );
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
