/**
 * Which image of an OCI layout a build reads, as in buildx (docker/buildx build/opt.go, `resolveDigest`; moby/buildkit
 * client/ociindex): the one with the tag, by default `latest`, otherwise the only image.
 */
import path from 'node:path';
import type { ContextUse } from '../dockerfile/mod.ts';
import { type Build, type ContextSource, isDigest, type Problem, problem } from '../model/mod.ts';
import { readRegularFile } from '../system/mod.ts';

const INDEX_LIMIT = 4 * 1024 * 1024;
/** Annotations with the name of an image in an index, in order of precedence. */
const NAMES = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'] as const;

/** Named contexts → digests of the images that they refer to. */
export type LayoutDigests = ReadonlyMap<string, string>;

/** Which contexts a Dockerfile reads. */
interface Reads {
  readonly contexts: readonly Pick<ContextUse, 'name'>[];
  readonly stages: readonly unknown[];
}

/**
 * Resolves the layouts that a build reads.
 *
 * @param reads undefined: it is not known which contexts are read, so all may be
 * @returns digests, and `context/layout` for what cannot be found
 */
export function findLayouts(
  build: Build,
  reads?: Reads,
): { readonly digests: LayoutDigests; readonly problems: readonly Problem[] } {
  const digests = new Map<string, string>();
  const problems: Problem[] = [];
  const used = new Set(reads?.contexts.map(({ name }) => name));
  const isOpaque = reads === undefined || reads.stages.length === 0;
  for (const [name, source] of build.contexts) {
    if (source.ref.kind !== 'oci-layout' || !(isOpaque || used.has(name))) continue;
    const found = source.ref.digest ?? findImage(source.ref);
    if (isDigest(found)) digests.set(name, found);
    else problems.push(notFound(build, name, source, found));
  }
  return { digests, problems };
}

/** The build with known digests for its layouts. */
export function withLayouts(build: Build, digests: LayoutDigests | undefined): Build {
  if (digests === undefined || digests.size === 0) return build;
  const contexts = [...build.contexts].map(([name, source]): [string, ContextSource] => {
    const digest = digests.get(name);
    return source.ref.kind !== 'oci-layout' || digest === undefined
      ? [name, source]
      : [name, { ...source, ref: { ...source.ref, digest } }];
  });
  return { ...build, contexts: new Map(contexts) };
}

/** The digest, or text that says why there is none. */
function findImage({
  path: directory,
  tag = 'latest',
}: {
  readonly path: string;
  readonly tag?: string;
}): string {
  let index: unknown;
  try {
    index = JSON.parse(readRegularFile(path.join(directory, 'index.json'), INDEX_LIMIT).toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return 'its index.json is not JSON';
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
    if (code === undefined) throw thrown;
    return code === 'ENOENT' ? 'it has no index.json' : `its index.json cannot be read: ${code}`;
  }
  const manifests = membersOf(index, 'manifests');
  const list = Array.isArray(manifests) ? (manifests as readonly unknown[]) : [];
  const named = NAMES.flatMap((name) =>
    list.filter((one) => membersOf(membersOf(one, 'annotations'), name) === tag),
  );
  const [found = list.length === 1 ? list[0] : undefined] = named;
  if (found === undefined) return `none of its ${list.length} images has the tag ${tag}`;
  const digest = membersOf(found, 'digest');
  return typeof digest === 'string' && isDigest(digest) ? digest : 'its index.json has no digest for it';
}

function membersOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function notFound(build: Build, name: string, { written, span }: ContextSource, why: string): Problem {
  return problem(
    'context/layout',
    `no image is found in ${written}, the context \`${name}\` of \`${build.name}\`: ${why}`,
    {
      build: build.name,
      hint: 'Name an image of the layout: oci-layout://DIR:TAG or oci-layout://DIR@sha256:…',
      ...(span === undefined ? {} : { span }),
    },
  );
}
