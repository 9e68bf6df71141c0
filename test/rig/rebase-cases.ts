/** Pairs of builds, one on top of the other, that the real engine makes: what re-basing has to come to. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rebaseConfig } from '../../lib/inputs/rebase.ts';
import { imageOf, type NewConfig, withConfigs } from '../../lib/inputs/rebased-image.ts';
import type { Digest } from '../../lib/model/mod.ts';
import { childManifests, configOf, type Manifest, parseManifest } from '../../lib/registry/mod.ts';
import { buildctl, contextAsOwnSource } from './buildkit.ts';
import { findBusybox } from './busybox.ts';
import { sendRequest } from './http.ts';
import type { Random } from './random.ts';
import { type Cleanup, makeTempDir, writeTree } from './temp.ts';

/** A child and its base, before and after. */
export interface RebaseCase {
  readonly name: string;
  /** What stands in the base's Dockerfile below its layers. */
  readonly base: { readonly before: string; readonly after: string };
  /** The child's Dockerfile; it is based on `base`. */
  readonly child: string;
  readonly labels?: {
    readonly before: Readonly<Record<string, string>>;
    readonly after: Readonly<Record<string, string>>;
  };
  /** More arguments of buildctl for the child, such as a cache export. */
  readonly args?: readonly string[];
  readonly platforms?: string;
  /** Why it is left to the engine; default: it is not, and the engine's bytes come out. */
  readonly outcome?: string;
}

/** What the engine made of a case: images by the digests of their manifests or indexes. */
export interface RecordedCase {
  readonly name: string;
  readonly labels: NonNullable<RebaseCase['labels']>;
  readonly parent: { readonly before: Digest; readonly after: Digest };
  readonly child: { readonly before: Digest; readonly after: Digest };
  /** Manifests and configs of all of them but the new child, by digest. */
  readonly documents: Readonly<Record<string, string>>;
}

const NO_LABELS = { before: {}, after: {} };
const RUN = 'COPY f /f\nRUN ["/bin/busybox", "true"]\n';

/** Cases that are worth a name. */
export const CASES: readonly RebaseCase[] = [
  {
    name: 'a label',
    base: { before: 'LABEL v=1 b="<&>"', after: 'LABEL v=2 b="<&>"' },
    child: `FROM base\n${RUN}`,
  },
  {
    name: 'labels come, go and hide under own ones',
    base: { before: 'LABEL a=1 b=1 c=1 10=x', after: 'LABEL a=2 c=2 d=2 9=y' },
    child: `FROM base\nLABEL own=c\nLABEL e="f g"\n${RUN}`,
  },
  {
    name: 'a label that the child sets to something else',
    base: { before: 'LABEL a=1 z=1', after: 'LABEL a=2 z=2' },
    child: `FROM base\nLABEL a=child\n${RUN}`,
  },
  {
    name: 'a label that the child sets to the same',
    base: { before: 'LABEL a=1', after: 'LABEL a=2' },
    outcome: 'its label a may be its own or that of its parent',
    child: `FROM base\nLABEL a=1\n${RUN}`,
  },
  {
    name: 'an inherited command',
    base: { before: 'CMD ["a"]', after: 'CMD b $X' },
    child: `FROM base\nWORKDIR /w\n${RUN}`,
  },
  {
    name: 'a command under an own entrypoint',
    base: { before: 'CMD ["a"]', after: 'CMD ["b"]' },
    child: `FROM base\nENTRYPOINT ["/e"]\n${RUN}`,
  },
  {
    name: 'an entrypoint under an own command',
    base: { before: 'ENTRYPOINT ["a"]\nCMD ["x"]', after: 'ENTRYPOINT ["b"]' },
    child: `FROM base\nCMD ["own"]\n${RUN}`,
  },
  {
    name: 'command and entrypoint of several stages',
    base: { before: 'CMD ["a"]\nSTOPSIGNAL 9', after: 'ENTRYPOINT ["b"]\nSTOPSIGNAL 10' },
    child: `FROM base AS one\nCMD ["one"]\nENV Y=1\n${RUN}FROM one\nENTRYPOINT ["two"]\nCOPY f /g\n`,
  },
  {
    name: 'ports and volumes',
    base: { before: 'EXPOSE 80\nVOLUME /a', after: 'EXPOSE 80 443/udp\nVOLUME /a /b' },
    child: `FROM base\nEXPOSE 8080\nVOLUME /own\n${RUN}`,
  },
  {
    name: 'ports that go',
    base: { before: 'EXPOSE 80 90', after: 'EXPOSE 90' },
    child: `FROM base\n${RUN}`,
  },
  {
    name: 'ports that go and may be the own ones',
    base: { before: 'EXPOSE 80 90', after: 'EXPOSE 90' },
    outcome: 'its parent no longer has EXPOSE 80/tcp, which it may set itself',
    child: `FROM base\nEXPOSE 80\n${RUN}`,
  },
  {
    name: 'a health check and its end',
    base: {
      before: 'HEALTHCHECK --interval=5s --retries=3 CMD t < /x',
      after: 'HEALTHCHECK NONE\nMAINTAINER somebody',
    },
    child: `FROM base\nUSER 1\n${RUN}`,
  },
  {
    name: 'an own health check',
    base: { before: 'HEALTHCHECK CMD a', after: 'HEALTHCHECK CMD b' },
    child: `FROM base\nHEALTHCHECK NONE\nMAINTAINER me\n${RUN}`,
  },
  {
    name: 'triggers of the base',
    base: {
      before: 'ONBUILD LABEL t=1\nONBUILD CMD ["t"]\nCMD ["a"]\nLABEL v=1',
      after: 'ONBUILD LABEL t=1\nONBUILD CMD ["t"]\nCMD ["b"]\nLABEL v=2',
    },
    child: `FROM base\nONBUILD RUN x\n${RUN}`,
  },
  {
    name: 'other triggers',
    base: { before: 'ONBUILD LABEL t=1', after: 'ONBUILD LABEL t=2' },
    outcome: 'OnBuild of its parent differ',
    child: `FROM base\n${RUN}`,
  },
  {
    name: 'a variable',
    base: { before: 'ENV V=1', after: 'ENV V=2' },
    outcome: 'Env of its parent differ',
    child: `FROM base\n${RUN}`,
  },
  {
    name: 'labels that are given',
    base: { before: 'LABEL a=1 b=1', after: 'LABEL a=2 b=2' },
    child: `FROM base\nLABEL b=own\n${RUN}`,
    labels: { before: { a: 'x', rev: '1' }, after: { a: 'x', rev: '2', new: '<ä>' } },
  },
  {
    name: 'a label that is no longer given',
    base: { before: 'LABEL a=1', after: 'LABEL a=2' },
    outcome: 'the label a was removed, and the value of the base image is unknown',
    child: `FROM base\n${RUN}`,
    labels: { before: { a: 'x' }, after: {} },
  },
  {
    name: 'labels that are given, and nothing else',
    base: { before: 'LABEL a=1', after: 'LABEL a=1' },
    child: `FROM base\n${RUN}`,
    labels: { before: { rev: '1' }, after: { rev: '2', a: '3' } },
  },
  {
    name: 'a child without a layer of its own',
    base: { before: 'LABEL a=1', after: 'LABEL a=2' },
    outcome: 'it adds no layer',
    child: 'FROM base\nLABEL b=1\n',
  },
  {
    name: 'an inline cache',
    base: { before: 'LABEL a=1', after: 'LABEL a=2' },
    outcome: 'its config is not in the form that the engine writes',
    child: `FROM base\n${RUN}`,
    args: ['--export-cache', 'type=inline'],
  },
  {
    name: 'two platforms',
    base: { before: 'CMD ["a"]\nLABEL v=1', after: 'CMD ["b"]\nLABEL v=2' },
    child: 'FROM base\nCOPY f /f\nLABEL w=1\n',
    platforms: 'linux/amd64,linux/arm64',
  },
];

const KEYS = ['a', 'x.y', 'q<&>', 'z é', 'org.opencontainers.image.revision'];
const OWN_KEYS = ['child', 'x.y', 'other'];

/** A case by chance; collisions are dense on purpose. */
export function randomCase(random: Random, name: string): RebaseCase {
  const some = <T>(list: readonly T[], oneIn: number): readonly T[] =>
    list.filter(() => random.below(oneIn) === 0);
  const config = (isOwn: boolean): string =>
    [
      ...some(isOwn ? OWN_KEYS : KEYS, isOwn ? 4 : 2).map(
        (key) =>
          `LABEL "${key}"="${isOwn ? 'c' : ''}${random.below(2)}${random.below(4) === 0 ? ' <é&>' : ''}"`,
      ),
      ...some(['CMD ["c1"]', 'CMD c2 $X'], 4),
      ...some([`ENTRYPOINT ["e${random.below(2)}"]`], 4),
      ...some([`EXPOSE ${80 + random.below(3)}`], isOwn ? 6 : 2),
      ...some([`VOLUME /v${random.below(3)}`], isOwn ? 6 : 2),
      ...some([`STOPSIGNAL ${9 + random.below(2)}`], 3),
      ...some(['HEALTHCHECK NONE', `HEALTHCHECK --interval=${1 + random.below(2)}s CMD t`], 4),
      ...some([`MAINTAINER m${random.below(2)}`], 4),
      '',
    ].join('\n');
  const given = Object.fromEntries(some(KEYS, 4).map((key) => [key, 'opt1']));
  return {
    name,
    base: { before: config(false), after: config(false) },
    child: `FROM base AS s1\n${config(true)}${RUN}${
      random.below(2) === 0 ? `FROM s1\n${config(true)}COPY f /g\n` : ''
    }${config(true)}`,
    labels: {
      before: given,
      after: {
        ...Object.fromEntries(Object.keys(given).map((key) => [key, `opt${random.below(3)}`])),
        ...Object.fromEntries(some(KEYS, 6).map((key) => [key, 'new'])),
      },
    },
  };
}

/** Makes images with the real engine, whose layers get equal times, so that equal builds give equal bytes. */
export async function makeCaseBuilder(
  t: Cleanup,
  host: string,
): Promise<(one: RebaseCase) => Promise<RecordedCase>> {
  const dir = await makeTempDir(t, 'rebase-');
  const busybox = await readFile(await findBusybox(t));
  await writeTree(path.join(dir, 'context'), {
    f: 'f\n',
    busybox: { content: busybox, mode: 0o755 },
  });
  let count = 0;
  const build = async (
    repository: string,
    dockerfile: string,
    args: readonly string[],
    platforms: string | undefined,
  ): Promise<Digest> => {
    const place = path.join(dir, `${count++}`);
    await mkdir(place);
    await writeFile(path.join(place, 'Dockerfile'), dockerfile);
    const metadata = path.join(place, 'metadata.json');
    const { localSource, args: context } = contextAsOwnSource(path.join(dir, 'context'));
    const built = await buildctl([
      'build',
      '--frontend=dockerfile.v0',
      ...context,
      `--local=${localSource}-file=${place}`,
      `--opt=dockerfilekey=${localSource}-file`,
      '--opt=build-arg:SOURCE_DATE_EPOCH=1700000000',
      ...(platforms === undefined ? [] : [`--opt=platform=${platforms}`]),
      `--output=type=image,name=${host}/${repository},push=true,push-by-digest=true,store=false,rewrite-timestamp=true`,
      `--metadata-file=${metadata}`,
      ...args,
    ]);
    if (built.code !== 0) throw new Error(`${dockerfile}\n${built.stderr}`);
    return JSON.parse(await readFile(metadata, 'utf8'))['containerimage.digest'];
  };
  const read = async (
    documents: Record<string, string>,
    repository: string,
    digest: Digest,
  ): Promise<void> => {
    const load = async (kind: 'manifests' | 'blobs', wanted: string): Promise<void> => {
      const accept =
        'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/octet-stream';
      const { status, body: text } = await sendRequest(
        'GET',
        `http://${host}/v2/${repository}/${kind}/${wanted}`,
        { headers: { accept } },
      );
      if (status !== 200) throw new Error(`${wanted}: status ${status}`);
      documents[wanted] = text;
      if (kind === 'blobs') return;
      const json = JSON.parse(text);
      if (json.config !== undefined) await load('blobs', json.config.digest);
      for (const child of json.manifests ?? []) await load('manifests', child.digest);
    };
    await load('manifests', digest);
  };
  return async ({ name, base, child, labels = NO_LABELS, args = [], platforms }) => {
    const baseOf = (config: string) =>
      build('base', `FROM scratch\nCOPY busybox /bin/\nENV X=1\n${config}\n`, [], platforms);
    const childOf = (parent: Digest, given: Readonly<Record<string, string>>) =>
      build(
        'child',
        child,
        [
          `--opt=context:base=docker-image://${host}/base@${parent}`,
          ...Object.entries(given).map(([key, value]) => `--opt=label:${key}=${value}`),
          ...args,
        ],
        platforms,
      );
    const parents = [await baseOf(base.before), await baseOf(base.after)] as const;
    const children = [
      await childOf(parents[0], labels.before),
      await childOf(parents[1], labels.after),
    ] as const;
    const documents: Record<string, string> = {};
    for (const parent of parents) await read(documents, 'base', parent);
    await read(documents, 'child', children[0]);
    return {
      name,
      labels,
      parent: { before: parents[0], after: parents[1] },
      child: { before: children[0], after: children[1] },
      documents,
    };
  };
}

/** What re-basing makes of a case: the digest of the child's new image, or why it is left to the engine. */
export function rebaseRecorded({ parent, child, labels, documents }: RecordedCase): string {
  const given = {
    before: new Map(Object.entries(labels.before)),
    after: new Map(Object.entries(labels.after)),
  };
  const platforms = (digest: Digest) => platformsOf(documents, digest);
  const [was, is] = [platforms(parent.before), platforms(parent.after)];
  const made: NewConfig[] = [];
  for (const [at, one] of platforms(child.before).entries()) {
    const [before, after, image] = [was[at], is[at], one].map((found) =>
      found === undefined ? undefined : imageOf(found.manifest, found.config),
    );
    if (before === undefined || after === undefined || image === undefined)
      throw new Error('there is no image');
    const change = parent.before === parent.after ? undefined : { before, after };
    const rebased = rebaseConfig(image, change, given);
    if (rebased.kind === 'unsure') return rebased.why;
    made.push({ ...one, config: rebased.text });
  }
  const image = withConfigs(manifestIn(documents, child.before), made);
  return image?.top.digest ?? 'its manifest is not written as the engine does';
}

function platformsOf(documents: RecordedCase['documents'], digest: Digest): readonly NewConfig[] {
  const top = manifestIn(documents, digest);
  const children = childManifests(top);
  const manifests =
    children.length === 0 ? [top] : children.map((child) => manifestIn(documents, child.digest));
  return manifests.map((manifest, at) => ({
    platform: children[at]?.platform ?? '',
    manifest,
    config: documents[configOf(manifest)?.digest ?? ''] ?? '',
  }));
}

function manifestIn(documents: RecordedCase['documents'], digest: Digest): Manifest {
  const manifest = parseManifest(new TextEncoder().encode(documents[digest] ?? ''), digest);
  if (manifest === undefined) throw new Error(`${digest} is not a manifest`);
  return manifest;
}
