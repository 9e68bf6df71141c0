/**
 * The inputs of one build and the key they make: Dockerfile, files, arguments, outside images by digest, parents by the
 * digests of their results. Needs its parents to be done.
 */
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { localName } from '../buildctl/mod.ts';
import {
  type ContextReads,
  type DockerfileFacts,
  type IgnoreRules,
  inspectDockerfile,
  MAIN_CONTEXT,
  NO_RULES,
  parseIgnore,
} from '../dockerfile/mod.ts';
import {
  type ContextRequest,
  computeKey,
  diffKeys,
  type HashedContext,
  keyParts,
  type Shipment,
} from '../fingerprint/mod.ts';
import {
  type BuildKey,
  type ContextSource,
  type KeyParts,
  ok,
  type PlanNode,
  type Problem,
  parseImageRef,
  problem,
  type Result,
  sbomGenerators,
  sortUnknowns,
  type UnknownInput,
} from '../model/mod.ts';
import type { ImageConfigFacts } from '../state/mod.ts';
import { lookOf } from '../util/look.ts';
import { isOfEnginePlatform, readBases } from './bases.ts';
import type { RunContext } from './context.ts';

/** What a build is made of. */
export interface NodeInputs {
  /** Undefined: something is not known, so nothing can be proved by it. */
  readonly key?: BuildKey;
  readonly parts?: KeyParts;
  /** What is not known, in words; not empty: never skipped. */
  readonly untracked: readonly UnknownInput[];
  /** Regular files that count, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** What makes the build impossible: a missing or unreadable file. */
  readonly problems: readonly Problem[];
  /** What the result says to a build on top of it. */
  readonly produces?: ImageConfigFacts;
}

interface Hashed {
  readonly name: string;
  readonly request: ContextRequest;
  /** What its ignore file looked like; empty: there was none. */
  readonly ignoreLook: string;
  readonly hashed: HashedContext;
}

const requestsOf = new WeakMap<NodeInputs, readonly Hashed[]>();
const filesOnlyOf = new WeakMap<NodeInputs, ReadonlyMap<string, ContextReads>>();

/**
 * What a build's Dockerfile reads, the configs of its base images taken in where they can be had. Parents must have
 * results in the context. Undefined: it comes with a remote context.
 */
export async function inspectNode(
  context: RunContext,
  node: PlanNode,
): Promise<Result<DockerfileFacts> | undefined> {
  const { build } = node;
  const dockerfile = context.dockerfiles.dockerfileOf(build);
  if (dockerfile === undefined || !dockerfile.ok) return dockerfile;
  const options = {
    args: build.args,
    platforms: build.platforms,
    contextNames: new Set([...build.contexts.keys(), ...linkNames(node)]),
    enginePlatform: context.enginePlatform,
    ...(build.target === undefined ? {} : { target: build.target }),
  };
  // First to learn what it starts from, then with what those images say.
  const outline = inspectDockerfile(dockerfile.value, options);
  if (!outline.ok) return outline;
  const bases = await readBases(context, node, outline.value.bases);
  const facts = bases.size === 0 ? outline : inspectDockerfile(dockerfile.value, { ...options, bases });
  return facts.ok && mayScanContext(node, dockerfile.value.source.text)
    ? ok({ ...facts.value, reads: new Map([...facts.value.reads, [MAIN_CONTEXT, 'all']]) })
    : facts;
}

/** An SBOM can be asked to be one of the context too, be it copied or not (buildkit dockerfile2llb, `sbomScanContext`). */
function mayScanContext({ build }: PlanNode, dockerfile: string): boolean {
  const name = 'BUILDKIT_SBOM_SCAN_CONTEXT';
  return sbomGenerators(build).length > 0 && (build.args.has(name) || dockerfile.includes(name));
}

/** Gathers the inputs of a build. Parents must have results in the context. */
export async function computeInputs(context: RunContext, node: PlanNode): Promise<NodeInputs> {
  const nothing = { files: 0, bytes: 0, problems: [] };
  const { build } = node;
  const inspected = await inspectNode(context, node);
  if (inspected === undefined) {
    const text = `its Dockerfile comes with the context ${build.context.written}`;
    return { ...nothing, untracked: [{ kind: 'remote-dockerfile', text }] };
  }
  if (!inspected.ok) return { ...nothing, untracked: [], problems: inspected.error };
  const facts = inspected.value;
  const contexts = await hashContexts(context, node, facts);
  if (contexts.problems.length > 0) return { ...nothing, untracked: [], problems: contexts.problems };
  const images = await lookUpImages(context, node, facts);
  const platforms = await platformsOf(context, node, facts);
  const filesOnly = readForFiles(facts);
  const { parts, untracked } = keyParts({
    build,
    facts,
    files: new Map(contexts.hashed.map((one) => [one.name, one.hashed.files] as const)),
    images: images.digests,
    parents: parentDigests(context, node, filesOnly),
    platforms,
    enginePlatform: context.enginePlatform,
  });
  // A base whose config is unread may have triggers that read images we do not see.
  const unread = facts.unreadBases.map(
    (name): UnknownInput => ({
      kind: 'base',
      text: `what the base image ${name} sets and triggers cannot be read`,
    }),
  );
  // The look-up knows more of an image than the key does.
  const lookedUp = new Set(images.unknown.map(({ subject }) => subject));
  const others = untracked.filter(({ kind, subject }) => kind !== 'image' || !lookedUp.has(subject));
  const reasons = sortUnknowns([...others, ...images.unknown, ...unread]);
  const inputs: NodeInputs = {
    parts,
    untracked: reasons,
    files: contexts.hashed.reduce((sum, one) => sum + one.hashed.fileCount, 0),
    bytes: contexts.hashed.reduce((sum, one) => sum + one.hashed.bytes, 0),
    problems: [],
    ...(reasons.length === 0 ? { key: computeKey(parts) } : {}),
    ...(facts.produces === undefined ? {} : { produces: { ...facts.produces, platforms } }),
  };
  requestsOf.set(inputs, contexts.hashed);
  filesOnlyOf.set(inputs, filesOnly);
  return inputs;
}

/** What is asked for; where nothing is, the engine's platform, if it surely comes to that. */
async function platformsOf(
  context: RunContext,
  node: PlanNode,
  facts: DockerfileFacts,
): Promise<readonly string[]> {
  const { platforms } = node.build;
  if (platforms.length > 0) return platforms;
  const bases = await readBases(context, node, facts.bases);
  return isOfEnginePlatform(node, facts, bases, context.enginePlatform) ? [context.enginePlatform] : [];
}

/** How much of one local context counts. */
export interface ContextSize {
  /** `context` for the main one. */
  readonly name: string;
  /** As the user wrote it. */
  readonly written: string;
  /** Regular files, and the sum of their sizes. */
  readonly files: number;
  readonly bytes: number;
}

/** How much of each local context counts. */
export function contextSizesOf(inputs: NodeInputs): readonly ContextSize[] {
  return (requestsOf.get(inputs) ?? []).map(({ name, request, hashed }) => ({
    name,
    written: request.written,
    files: hashed.fileCount,
    bytes: hashed.bytes,
  }));
}

/** Contexts of which only files are taken → what is read of them. */
export function filesReadOf(inputs: NodeInputs): ReadonlyMap<string, ContextReads> {
  return filesOnlyOf.get(inputs) ?? new Map();
}

/** What changed since an earlier state of the inputs, in words without secrets. */
export function changesSince(context: RunContext, inputs: NodeInputs, before: KeyParts): readonly string[] {
  return inputs.parts === undefined ? [] : diffKeys(before, inputs.parts, undefined, context.isSecret);
}

/**
 * Looks again at everything the key was made of, and names what was touched since, in words; empty: what was sent to the
 * engine in between is what the key says. What was edited and edited back counts, since the edit may have been sent.
 */
export async function touchedSince(
  context: RunContext,
  node: PlanNode,
  inputs: NodeInputs,
): Promise<readonly string[]> {
  const touched: string[] = [];
  if (!context.dockerfiles.isUntouched(node.build)) touched.push('the Dockerfile');
  for (const { name, request, ignoreLook, hashed } of requestsOf.get(inputs) ?? []) {
    const ignore = await readIgnore(node, request.root, name === MAIN_CONTEXT);
    const isSame =
      ignore.ok && ignore.look === ignoreLook && patternsOf(ignore.rules) === patternsOf(request.ignore);
    if (!isSame) touched.push(`what ${request.written} leaves out`);
    const changed = await context.hasher.recheck(request, hashed);
    const paths = changed.ok ? changed.value : ['.'];
    touched.push(...paths.map((one) => path.posix.join(request.written, one)));
  }
  return [...new Set(touched)];
}

function patternsOf({ rules }: IgnoreRules): string {
  return rules.map(({ pattern, isException }) => `${isException ? '!' : ''}${pattern}`).join('\n');
}

/** The files that buildctl will offer to the engine for a build, by the names it offers them under. */
export function shipmentsOf(node: PlanNode, inputs: NodeInputs): readonly Shipment[] {
  return (requestsOf.get(inputs) ?? []).map(({ name, request, hashed }) => ({
    local: name === MAIN_CONTEXT && !node.build.contexts.has(name) ? MAIN_CONTEXT : localName(request.root),
    hashed,
  }));
}

/** The key with the parents' results as they are now: one of them may have been built after all. */
export function withParentsOfNow(context: RunContext, node: PlanNode, inputs: NodeInputs): NodeInputs {
  if (inputs.key === undefined || inputs.parts === undefined) return inputs;
  const filesOnly = filesReadOf(inputs);
  const now = parentDigests(context, node, filesOnly);
  const parents = Object.fromEntries(
    Object.entries(inputs.parts.parents).map(([name, digest]) => [name, now.get(name) ?? digest]),
  );
  const parts = { ...inputs.parts, parents };
  const again: NodeInputs = { ...inputs, parts, key: computeKey(parts) };
  requestsOf.set(again, requestsOf.get(inputs) ?? []);
  filesOnlyOf.set(again, filesOnly);
  return again;
}

function linkNames(node: PlanNode): readonly string[] {
  return node.edges.flatMap((edge) => edge.contextName ?? []);
}

/** Contexts that no stage stands on, and what is read of them: files only, so that their configs do not matter. */
function readForFiles(facts: DockerfileFacts): ReadonlyMap<string, ContextReads> {
  const stoodOn = new Set(facts.contexts.flatMap(({ name, use }) => (use === 'from' ? [name] : [])));
  return new Map(
    facts.contexts.flatMap(({ name }) =>
      stoodOn.has(name) ? [] : [[name, facts.reads.get(name) ?? 'all'] as const],
    ),
  );
}

/**
 * Parents count by the manifests of their platforms: attestations give an index another digest every time without
 * changing what a build on top of it sees. Where only files are taken, they count by their layers.
 */
function parentDigests(
  context: RunContext,
  node: PlanNode,
  filesOnly: ReadonlyMap<string, ContextReads>,
): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const { contextName, to } of node.edges) {
    const image = context.resultOf(to)?.image;
    if (contextName === undefined || image === undefined) continue;
    const parts = image.platforms.map(({ platform, digest, layers }): [string, string] => [
      platform,
      filesOnly.has(contextName) ? (layers ?? digest) : digest,
    ]);
    const [only] = parts;
    const isOne = only !== undefined && parts.length === 1;
    // A build takes what is of its platform, wherever that stands in the index.
    parts.sort(([one], [other]) => (one < other ? -1 : 1));
    digests.set(contextName, isOne ? only[1] : parts.map((part) => part.join('=')).join(' '));
  }
  return digests;
}

interface LookedUp {
  readonly digests: ReadonlyMap<string, string>;
  readonly unknown: readonly UnknownInput[];
}

async function lookUpImages(context: RunContext, node: PlanNode, facts: DockerfileFacts): Promise<LookedUp> {
  const written = new Set([...facts.images.map((image) => image.written), ...sbomGenerators(node.build)]);
  const used = new Set(facts.contexts.map((use) => use.name));
  for (const [name, source] of node.build.contexts) {
    if (source.ref.kind === 'image' && used.has(name)) written.add(source.ref.ref);
  }
  const digests = new Map<string, string>();
  const unknown: UnknownInput[] = [];
  await Promise.all(
    [...written].map(async (image) => {
      const lookup = await context.images.lookUp(image);
      if (lookup.kind === 'known') digests.set(image, lookup.digest);
      else {
        const kind = parseImageRef(image) === undefined ? 'image-name' : 'image';
        unknown.push({ kind, text: lookup.why, subject: image });
      }
    }),
  );
  return { digests, unknown };
}

interface HashedContexts {
  readonly hashed: readonly Hashed[];
  readonly problems: readonly Problem[];
}

async function hashContexts(
  context: RunContext,
  node: PlanNode,
  facts: DockerfileFacts,
): Promise<HashedContexts> {
  const hashed: Hashed[] = [];
  const problems: Problem[] = [];
  for (const [name, reads] of facts.reads) {
    const source = name === MAIN_CONTEXT ? node.build.context : node.build.contexts.get(name);
    if (source?.ref.kind !== 'local') continue;
    const ignore = await readIgnore(node, source.ref.path, name === MAIN_CONTEXT);
    if (!ignore.ok) {
      problems.push(...ignore.problems.map((one) => ({ ...one, build: node.build.name })));
      continue;
    }
    const request = requestFor(context, source, source.ref.path, reads, ignore.rules);
    const result = await context.hasher.hash(request);
    if (result.ok) hashed.push({ name, request, ignoreLook: ignore.look, hashed: result.value });
    else problems.push(...result.error.map((one) => ({ ...one, build: node.build.name })));
  }
  return { hashed, problems };
}

function requestFor(
  context: RunContext,
  source: ContextSource,
  root: string,
  reads: ContextRequest['reads'],
  ignore: IgnoreRules,
): ContextRequest {
  return {
    root,
    written: source.written,
    reads,
    ignore,
    signal: context.signal,
    ...(source.span === undefined ? {} : { span: source.span }),
  };
}

/** The ignore rules of a context, or what is wrong with them. */
export type Ignore =
  | {
      readonly ok: true;
      readonly rules: IgnoreRules;
      /** What the file they are from looked like before it was read; empty: there is none. */
      readonly look: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Where the ignore rules of a context are looked for; the first that is there counts. */
export function ignoreFilesOf(node: PlanNode, root: string, isMain: boolean): readonly string[] {
  const { dockerfile } = node.build;
  const general = path.join(root, '.dockerignore');
  return isMain && dockerfile.kind === 'file' ? [`${dockerfile.path}.dockerignore`, general] : [general];
}

/**
 * `<Dockerfile>.dockerignore` beside the Dockerfile goes before `.dockerignore` in the context's root, for the main
 * context only (buildkit frontend/dockerui/config.go, `MainContext` and `NamedContext`).
 */
export async function readIgnore(node: PlanNode, root: string, isMain: boolean): Promise<Ignore> {
  for (const file of ignoreFilesOf(node, root, isMain)) {
    try {
      const found = await followInside(path.dirname(file), path.basename(file));
      if (found === undefined) continue;
      const look = lookOf(await stat(found, { bigint: true }));
      const parsed = parseIgnore({ path: file, text: await readFile(found, 'utf8') });
      if (parsed.ok) return { ok: true, rules: parsed.value, look };
      return { ok: false, problems: parsed.error };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      // A directory is no ignore file to BuildKit, and no fault either.
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') continue;
      return {
        ok: false,
        problems: [problem('context/unreadable', `\`${file}\` cannot be read (${code})`)],
      };
    }
  }
  return { ok: true, rules: NO_RULES, look: '' };
}

const MAX_LINKS = 255;

/**
 * Where a symlink leads as the engine sees it: it has only what lies in the directory, which is its root. Undefined:
 * nowhere (measured: an ignore file that points out of its context leaves nothing out).
 */
async function followInside(root: string, name: string): Promise<string | undefined> {
  let rest = [name];
  let at: string[] = [];
  for (let links = 0; ; ) {
    const [part, ...after] = rest;
    if (part === undefined) return path.join(root, ...at);
    rest = after;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at.pop();
      continue;
    }
    const full = path.join(root, ...at, part);
    if (!(await lstat(full)).isSymbolicLink()) {
      at.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = await readlink(full);
    if (target.startsWith('/')) at = [];
    rest = [...target.split('/'), ...rest];
  }
}
