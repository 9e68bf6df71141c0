/** Identities of build caches. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Build, ContextRef, DockerfileSource } from '../model/mod.ts';
import { withSlashes } from '../util/path.ts';

/**
 * Identifies the cache of a build. The identity is the same in every checkout and after every change of files, so that the build
 * finds its cache again. It consists of the paths of Dockerfile and context, the matrix row (rows share little: they have other
 * bases), and the ids of cache mounts. Targets of one Dockerfile have the same identity, since they share stages.
 *
 * @param root absolute: the directory of builds.yaml; paths are made relative to it
 * @param cacheMountIds of `RUN --mount=type=cache`, in any order
 * @returns hexadecimal digits
 */
export function cacheIdentity(build: Build, root: string, cacheMountIds: readonly string[]): string {
  const row = Object.entries(build.matrix?.row ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const parts = [
    describeDockerfile(build.dockerfile, build, root),
    describeContext(build.context.ref, root),
    row,
    [...new Set(cacheMountIds)].sort(),
  ];
  return createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex');
}

function describeDockerfile(source: DockerfileSource, build: Build, root: string): readonly string[] {
  // The name, not the text: the cache must be found after the text has changed.
  if (source.kind === 'inline') return ['inline', build.matrix?.name ?? build.name];
  return ['file', path.isAbsolute(source.path) ? relativeTo(root, source.path) : source.path];
}

function describeContext(ref: ContextRef, root: string): readonly string[] {
  switch (ref.kind) {
    case 'local':
    case 'oci-layout':
      return [ref.kind, relativeTo(root, ref.path)];
    case 'build':
      return [ref.kind, ref.build];
    case 'image':
      return [ref.kind, withoutVersion(ref.ref)];
    case 'git':
      return [ref.kind, withoutCommit(ref.url)];
    case 'http':
      return [ref.kind, ref.url];
  }
}

function relativeTo(root: string, file: string): string {
  return withSlashes(path.relative(root, file));
}

/** An image without tag and digest. */
function withoutVersion(ref: string): string {
  return ref.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

/** Removes the ref from `URL#REF:SUBDIR`, since it changes with each commit. */
function withoutCommit(url: string): string {
  const [address = '', fragment = ''] = url.split('#', 2);
  const at = fragment.indexOf(':');
  return at < 0 ? address : `${address}#${fragment.slice(at)}`;
}
