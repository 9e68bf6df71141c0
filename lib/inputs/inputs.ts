/**
 * The inputs of one build and its key: Dockerfile, files, arguments, external images by digest, other builds by the
 * digests of their results. Builds that it reads must be finished.
 */
import type { ContextReads, DockerfileFacts, TargetBase } from '../dockerfile/mod.ts';
import { computeKey, diffKeys, keyParts } from '../fingerprint/mod.ts';
import {
  type Build,
  type BuildKey,
  externalFrontend,
  hideUsers,
  type KeyParts,
  type PlanNode,
  type Problem,
  problem,
  sbomGenerators,
  sortUnknowns,
  type UnknownInput,
} from '../model/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import { isOfEnginePlatform } from './bases.ts';
import { type ContextFiles, hashContexts, touchedInContext } from './contexts.ts';
import { inspectNode, type NodeFacts } from './dockerfile-facts.ts';
import type { Keying } from './keying.ts';
import { findLayouts, type LayoutDigests } from './layouts.ts';
import { type ChosenProxies, chooseProxies } from './proxies.ts';

/** The inputs of a build. */
export interface NodeInputs {
  /** Undefined: some inputs are not known, so they prove nothing. */
  readonly key?: BuildKey;
  readonly parts?: KeyParts;
  /** Unknown inputs. If there are any, the build is never skipped. */
  readonly untracked: readonly UnknownInput[];
  /** Number of regular files that are read; `bytes` is their total size. */
  readonly files: number;
  readonly bytes: number;
  /** Why the build is impossible: a missing or unreadable file. */
  readonly problems: readonly Problem[];
  /** What the result passes on to builds based on it. */
  readonly produces?: ImageConfigFacts;
  /** The local contexts with their files. */
  readonly contexts: readonly ContextFiles[];
  /** Contexts from which only files are read (COPY, mounts) → what is read; their configs do not matter. */
  readonly filesOnly: ReadonlyMap<string, ContextReads>;
  /** Images of the OCI layouts that it reads; undefined: none. */
  readonly layouts?: LayoutDigests;
  /** Where the config of its image comes from; undefined if not known. */
  readonly targetBase?: TargetBase;
  /** Proxies for its steps; undefined: none. */
  readonly proxies?: ChosenProxies;
}

const NOTHING: NodeInputs = {
  untracked: [],
  files: 0,
  bytes: 0,
  problems: [],
  contexts: [],
  filesOnly: new Map(),
};

/** Collects the inputs of a build. The builds that it reads must have results in `keying`. */
export async function computeInputs(keying: Keying, node: PlanNode): Promise<NodeInputs> {
  const { build } = node;
  const inspected = await inspectNode(keying, node);
  if (inspected === undefined) {
    const text = `its Dockerfile is inside the remote context ${hideUsers(build.context.written)}`;
    const proxies = chooseProxies(build, keying.proxies, 'remote');
    const layouts = findLayouts(build).digests;
    return {
      ...NOTHING,
      proxies,
      ...(layouts.size === 0 ? {} : { layouts }),
      untracked: [{ kind: 'remote-dockerfile', text }],
    };
  }
  if (!inspected.ok) return { ...NOTHING, problems: inspected.error };
  const { facts, proxies } = inspected.value;
  const unplanned = unplannedContexts(node, facts);
  if (unplanned.length > 0) return { ...NOTHING, problems: unplanned };
  const { contexts, problems: unreadable } = await hashContexts(keying, node, facts);
  const layouts = findLayouts(build, facts);
  const problems = [...unreadable, ...layouts.problems];
  if (problems.length > 0) return { ...NOTHING, problems };
  const images = await lookUpImages(keying, node, facts);
  const platforms = platformsOf(keying, node, inspected.value);
  const filesOnly = readForFiles(facts);
  const { parts: open, untracked } = keyParts({
    build,
    facts,
    proxies: proxies.args,
    files: new Map(contexts.map((one) => [one.name, one.hashed.files] as const)),
    images: images.digests,
    layouts: layouts.digests,
    parents: parentDigests(keying, node, filesOnly),
    platforms,
    enginePlatform: keying.enginePlatform,
  });
  const parts = await keying.seal(open);
  // A base whose config was not read may have triggers that read further images.
  const unread = facts.unreadBases.map(
    (name): UnknownInput => ({
      kind: 'base',
      text: `the config of the base image ${name} (variables, ONBUILD) cannot be read`,
    }),
  );
  // Resolving an image reports more details than the key.
  const lookedUp = new Set(images.unknown.map(({ subject }) => subject));
  const others = untracked.filter(({ kind, subject }) => kind !== 'image' || !lookedUp.has(subject));
  const reasons = sortUnknowns([
    ...others,
    ...images.unknown,
    ...unread,
    ...contexts.flatMap(oddNames),
    ...oddText(keying, build, open),
  ]);
  return {
    parts,
    untracked: reasons,
    files: contexts.reduce((sum, one) => sum + one.hashed.fileCount, 0),
    bytes: contexts.reduce((sum, one) => sum + one.hashed.bytes, 0),
    problems: [],
    contexts,
    filesOnly,
    proxies,
    ...(layouts.digests.size === 0 ? {} : { layouts: layouts.digests }),
    ...(facts.targetBase === undefined ? {} : { targetBase: facts.targetBase }),
    ...(reasons.length === 0 ? { key: computeKey(parts) } : {}),
    ...(facts.produces === undefined ? {} : { produces: { ...facts.produces, platforms } }),
  };
}

/** Files that the engine gets and that cannot be distinguished here. */
function oddNames({ request, hashed }: ContextFiles): readonly UnknownInput[] {
  const [first, ...others] = hashed.odd;
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const text = `the name (or link target) of ${first} in the context ${request.written} is not UTF-8${more}`;
  return [{ kind: 'file-name', text }];
}

/**
 * Two Dockerfiles that only differ in invalid bytes would have the same key. Comments do not matter, since they are not
 * in the key.
 */
function oddText({ dockerfiles }: Keying, build: Build, { dockerfile }: KeyParts): readonly UnknownInput[] {
  if (dockerfiles.isText(build) || !dockerfile.includes('\uFFFD')) return [];
  return [{ kind: 'encoding', text: 'its Dockerfile is not valid UTF-8' }];
}

/** Contexts that only a trigger of an external base reads, which was not known when the plan was made. */
function unplannedContexts({ build, unusedContexts }: PlanNode, facts: DockerfileFacts): readonly Problem[] {
  const used = new Set(facts.contexts.map(({ name }) => name));
  return unusedContexts.flatMap(({ contextName, to, span }) =>
    used.has(contextName)
      ? problem(
          'plan/context-unplanned',
          `an ONBUILD trigger of the base image of \`${build.name}\` reads the named context \`${contextName}\`, which its Dockerfile does not use`,
          {
            build: build.name,
            ...(span === undefined ? {} : { span }),
            hint: `Add \`needs: [${to}]\` to \`${build.name}\`, so that \`${to}\` is built first.`,
          },
        )
      : [],
  );
}

/** The configured platforms; without any, the engine's if the build is certain to use it. */
function platformsOf(
  { enginePlatform }: Keying,
  node: PlanNode,
  { facts, bases }: NodeFacts,
): readonly string[] {
  const { platforms } = node.build;
  if (platforms.length > 0) return platforms;
  return isOfEnginePlatform(node, facts, bases, enginePlatform) ? [enginePlatform] : [];
}

/** What changed since earlier inputs, as text without secrets. */
export function changesSince(keying: Keying, inputs: NodeInputs, before: KeyParts): readonly string[] {
  return inputs.parts === undefined ? [] : diffKeys(before, inputs.parts, undefined, keying.isSecret);
}

/**
 * Checks everything that the key was computed from again, and lists what was touched since; empty: the engine got exactly
 * what the key describes. Something that was edited and changed back counts as touched, since the edit may have been
 * sent.
 */
export async function touchedSince(
  keying: Keying,
  node: PlanNode,
  inputs: NodeInputs,
): Promise<readonly string[]> {
  const touched = keying.dockerfiles.isUntouched(node.build) ? [] : ['the Dockerfile'];
  for (const context of inputs.contexts)
    touched.push(...(await touchedInContext(keying.hasher, node, context)));
  return [...new Set(touched)];
}

/** The inputs with the current results of other builds, one of which may have been built after all. */
export function withCurrentParents(keying: Keying, node: PlanNode, inputs: NodeInputs): NodeInputs {
  if (inputs.key === undefined || inputs.parts === undefined) return inputs;
  const now = parentDigests(keying, node, inputs.filesOnly);
  const parents = Object.fromEntries(
    Object.entries(inputs.parts.parents).map(([name, digest]) => [name, now.get(name) ?? digest]),
  );
  const parts = { ...inputs.parts, parents };
  return { ...inputs, parts, key: computeKey(parts) };
}

/** Contexts that no stage is based on, and what is read from them. */
function readForFiles(facts: DockerfileFacts): ReadonlyMap<string, ContextReads> {
  const bases = new Set(facts.contexts.flatMap(({ name, use }) => (use === 'from' ? [name] : [])));
  return new Map(
    facts.contexts.flatMap(({ name }) =>
      bases.has(name) ? [] : [[name, facts.reads.get(name) ?? 'all'] as const],
    ),
  );
}

/**
 * Other builds are represented by the manifests of their platforms: attestations change an index's digest every time, but
 * nothing that a build reading it sees. If only files are read, they are represented by their layers.
 */
function parentDigests(
  { resultOf }: Pick<Keying, 'resultOf'>,
  node: PlanNode,
  filesOnly: ReadonlyMap<string, ContextReads>,
): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const { contextName, to } of node.edges) {
    const image = resultOf(to)?.image;
    if (contextName === undefined || image === undefined) continue;
    const parts = image.platforms.map(({ platform, digest, layers }): [string, string] => [
      platform,
      filesOnly.has(contextName) ? (layers ?? digest) : digest,
    ]);
    const [only] = parts;
    const isOne = only !== undefined && parts.length === 1;
    // A build reads the manifest for its platform, at whatever position of the index.
    parts.sort(([one], [other]) => (one < other ? -1 : 1));
    digests.set(contextName, isOne ? only[1] : parts.map((part) => part.join('=')).join(' '));
  }
  return digests;
}

interface LookedUp {
  readonly digests: ReadonlyMap<string, string>;
  readonly unknown: readonly UnknownInput[];
}

async function lookUpImages(keying: Keying, node: PlanNode, facts: DockerfileFacts): Promise<LookedUp> {
  const written = new Set([...facts.images.map((image) => image.written), ...sbomGenerators(node.build)]);
  const frontend = externalFrontend(node.build);
  if (frontend !== undefined) written.add(frontend.image);
  const used = new Set(facts.contexts.map((use) => use.name));
  for (const [name, source] of node.build.contexts) {
    if (source.ref.kind === 'image' && used.has(name)) written.add(source.ref.ref);
  }
  const digests = new Map<string, string>();
  const unknown: UnknownInput[] = [];
  await Promise.all(
    [...written].map(async (image) => {
      const lookup = await keying.images.lookUp(image);
      if (lookup.kind === 'known') digests.set(image, lookup.digest);
      else unknown.push({ kind: lookup.kind, text: lookup.why, subject: image });
    }),
  );
  return { digests, unknown };
}
