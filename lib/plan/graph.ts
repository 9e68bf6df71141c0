/**
 * From selected builds to a plan: edges, cycles, order, levels, and the checks that concern more than one build. Pure and
 * linear in builds and edges; no recursion, since chains of thousands of builds are legal.
 */
import {
  type Build,
  type BuildSet,
  type Edge,
  type EdgeReason,
  type ExternalImage,
  externalFrontend,
  fail,
  formatImageRef,
  formatPlace,
  ok,
  type Plan,
  type PlanNode,
  type Problem,
  parseImageRef,
  parseTag,
  problem,
  type Result,
  type Span,
  sbomGenerators,
  type UnknownInput,
  type UnusedContext,
} from '../model/mod.ts';

/** An image that a Dockerfile names, before it is known whether a build of the set produces it. */
export interface ImageUse {
  /** Arguments expanded. */
  readonly written: string;
  readonly use: 'from' | 'copy' | 'mount' | 'syntax';
  /** Set if the Dockerfile fixes the platform. */
  readonly platform?: string;
  readonly span?: Span;
}

/** What the planner needs to know about a build's Dockerfile. */
export interface DockerfileReads {
  readonly images: readonly ImageUse[];
  /** Named contexts that the reachable stages read. */
  readonly contexts: readonly { readonly name: string; readonly use: 'from' | 'copy' | 'mount' }[];
  /** Triggers (ONBUILD) for images based on the result. */
  readonly onbuild: readonly string[];
  /** Why the list may be incomplete; empty if it is complete. */
  readonly unknowns: readonly UnknownInput[];
}

/** What to plan, with the selection resolved. */
export interface PlanRequest {
  readonly set: BuildSet;
  /** Names from `selectBuilds`. */
  readonly selected: ReadonlySet<string>;
  /** Also select every build that needs a selected one. */
  readonly dependents?: boolean;
  /** Called at most once for each build; undefined if the Dockerfile cannot be read from here. */
  readonly readsOf: (build: Build) => DockerfileReads | undefined;
}

/**
 * Plans the selected builds and all their dependencies.
 *
 * @returns the plan, or all problems: `plan/cycle`, `plan/ambiguous-tag`, `plan/same-tag`, `plan/platform-missing`,
 *   `plan/context-kind`
 */
export function planBuilds(request: PlanRequest): Result<Plan> {
  const problems: Problem[] = [];
  const linker = new Linker(request.set, request.readsOf, problems);
  const roots = request.dependents === true ? withDependents(request, linker) : request.selected;
  const reached = reach(request.set, roots, linker);
  const ordered = orderBuilds(reached, linker);
  if (!ordered.ok) return fail([...problems, ordered.error]);
  const nodes = buildNodes(request.set, ordered.value, roots, linker);
  problems.push(...findSharedTags(nodes), ...findMissingPlatforms(nodes));
  return problems.length > 0 ? fail(problems) : ok({ set: request.set, nodes });
}

interface Links {
  readonly edges: readonly Edge[];
  readonly unusedContexts: readonly UnusedContext[];
  readonly externalImages: readonly ExternalImage[];
  readonly unknowns: readonly UnknownInput[];
}

/** How a Dockerfile uses a named context. */
function useOf(contextName: string, reads: DockerfileReads | undefined): Pick<Edge, 'use'> {
  const uses = (reads?.contexts ?? []).flatMap(({ name, use }) => (name === contextName ? use : []));
  const [first] = uses;
  return first === undefined ? {} : { use: uses.includes('from') ? 'from' : first };
}

/** Finds the edges of builds, each build once. */
class Linker {
  readonly #set: BuildSet;
  readonly #readsOf: (build: Build) => DockerfileReads | undefined;
  readonly #problems: Problem[];
  readonly #buildsByTag = new Map<string, string[]>();
  readonly #links = new Map<string, Links>();
  readonly #reads = new Map<string, DockerfileReads | undefined>();
  readonly #images = new Map<string, Pick<ExternalImage, 'written' | 'ref'>>();
  readonly #names = new Map<string, string | undefined>();

  constructor(set: BuildSet, readsOf: (build: Build) => DockerfileReads | undefined, problems: Problem[]) {
    this.#set = set;
    this.#readsOf = readsOf;
    this.#problems = problems;
    for (const build of set.builds.values()) {
      for (const tag of build.tags) {
        const name = tag.ref === undefined ? undefined : formatImageRef(tag.ref);
        if (name === undefined) continue;
        const owners = this.#buildsByTag.get(name);
        if (owners === undefined) this.#buildsByTag.set(name, [build.name]);
        else if (!owners.includes(build.name)) owners.push(build.name);
      }
    }
  }

  linksOf(name: string): Links {
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const build = this.#set.builds.get(name);
    const made = build === undefined ? EMPTY : this.#link(build);
    this.#links.set(name, made);
    return made;
  }

  #readsFor(build: Build): DockerfileReads | undefined {
    if (!this.#reads.has(build.name)) this.#reads.set(build.name, this.#readsOf(build));
    return this.#reads.get(build.name);
  }

  /** Parsed once, though thousands of builds may be based on the same image. */
  #image(written: string): Pick<ExternalImage, 'written' | 'ref'> {
    let image = this.#images.get(written);
    if (image === undefined) {
      const ref = parseImageRef(written);
      image = ref === undefined ? { written } : { written, ref };
      this.#images.set(written, image);
    }
    return image;
  }

  /** The full name of a tag, computed once for each text; undefined: not a valid tag. */
  #canonical(written: string): string | undefined {
    if (!this.#names.has(written)) {
      const ref = parseTag(written);
      this.#names.set(written, ref === undefined ? undefined : formatImageRef(ref));
    }
    return this.#names.get(written);
  }

  #link(build: Build): Links {
    const edges: Edge[] = [];
    const images: ExternalImage[] = [];
    const seen = new Set<string>();
    const addEdge = (to: string, reason: EdgeReason, place: Partial<Omit<Edge, 'to' | 'reason'>>) => {
      const key = `${to} ${place.contextName ?? ''}`;
      if (seen.has(key)) return;
      seen.add(key);
      edges.push({ to, reason, ...place });
    };
    const main = build.context.ref;
    if (main.kind === 'build' || main.kind === 'image' || main.kind === 'oci-layout') {
      this.#problems.push(
        problem(
          'plan/context-kind',
          `the context of \`${build.name}\` is ${build.context.written}, but the main context must be a directory, a git or an http address`,
          {
            build: build.name,
            ...placeOf(build.context),
            hint: 'Name it under `contexts` instead and read from it with `COPY --from=NAME` or `FROM NAME`.',
          },
        ),
      );
    }
    const reads = this.#readsFor(build);
    const unused: UnusedContext[] = [];
    let isRead: ((name: string, to: string) => boolean) | undefined;
    for (const [contextName, source] of build.contexts) {
      if (source.ref.kind === 'image')
        images.push({ ...this.#image(source.ref.ref), use: 'context', contextName, ...placeOf(source) });
      if (source.ref.kind !== 'build') continue;
      const to = source.ref.build;
      isRead ??= this.#contextFilter(build, reads);
      if (isRead(contextName, to))
        addEdge(to, 'context', { contextName, ...useOf(contextName, reads), ...placeOf(source) });
      else unused.push({ contextName, to, ...placeOf(source) });
    }
    for (const use of reads?.images ?? []) {
      const external = { ...use, ...this.#image(use.written) };
      if (use.use === 'syntax') {
        images.push(external);
        continue;
      }
      const owner = this.#ownerOf(use, build);
      if (owner === undefined) images.push(external);
      else {
        const fixed = use.platform === undefined ? {} : { platform: use.platform };
        addEdge(owner, use.use, { contextName: use.written, ...fixed, ...placeOf(use) });
      }
    }
    const frontend = externalFrontend(build);
    if (frontend !== undefined)
      images.push({ ...this.#image(frontend.image), use: 'syntax', ...placeOf(frontend) });
    for (const written of sbomGenerators(build)) images.push({ ...this.#image(written), use: 'attest' });
    for (const need of build.needs) addEdge(need.build, 'needs', placeOf(need));
    return {
      edges,
      unusedContexts: unused,
      externalImages: images,
      unknowns: reads?.unknowns ?? [],
    };
  }

  /**
   * Tells which named contexts are, or may be, read. All of them may be if something in the Dockerfile is not known, or
   * if a trigger of a base that is built here copies files from elsewhere. Triggers of external images are in no file: if
   * one reads a context that was left out, its build fails with `plan/context-unplanned`, and `needs:` adds the context.
   */
  #contextFilter(build: Build, reads: DockerfileReads | undefined): (name: string, to: string) => boolean {
    if (reads === undefined || reads.unknowns.length > 0) return () => true;
    const used = new Set(reads.contexts.map(({ name }) => name));
    const bases = [
      ...reads.contexts.flatMap(({ name, use }) => (use === 'from' ? name : [])),
      ...reads.images.flatMap((image) => (image.use === 'from' ? image.written : [])),
    ];
    const mayTrigger = bases.some((name) => {
      const ref = build.contexts.get(name)?.ref;
      const owner = ref?.kind === 'build' ? ref.build : this.#makerOf(name, build)[0];
      const base = owner === undefined ? undefined : this.#set.builds.get(owner);
      if (base === undefined) return false;
      const left = this.#readsFor(base);
      if (left === undefined || left.unknowns.length > 0) return true;
      return left.onbuild.some((text) => /from=/i.test(text));
    });
    if (mayTrigger) return () => true;
    const needed = new Set(build.needs.map((need) => need.build));
    // A context for one platform may be meant if the platform is the engine's, which is not known here.
    return (name, to) => used.has(name) || name.includes('::') || needed.has(to);
  }

  /** The builds that produce an image, by plain name or by tag. A build never produces its own base. */
  #makerOf(written: string, reader: Build): readonly string[] {
    if (written !== reader.name && this.#set.builds.has(written)) return [written];
    const name = this.#canonical(written);
    return name === undefined
      ? []
      : (this.#buildsByTag.get(name) ?? []).filter((owner) => owner !== reader.name);
  }

  #ownerOf(use: ImageUse, reader: Build): string | undefined {
    const owners = this.#makerOf(use.written, reader);
    if (owners.length > 1) {
      this.#problems.push(
        problem(
          'plan/ambiguous-tag',
          `\`${reader.name}\` uses \`${use.written}\`, which ${owners.length} builds have as a tag: ${owners.join(', ')}`,
          {
            build: reader.name,
            ...placeOf(use),
            hint: `Choose one under \`contexts\` of \`${reader.name}\`: ${
              reader.isBake === true
                ? `\`"${use.written}" = "target:${owners[0]}"\``
                : `\`${use.written}: build:${owners[0]}\``
            }.`,
          },
        ),
      );
    }
    return owners[0];
  }
}

const EMPTY: Links = { edges: [], unusedContexts: [], externalImages: [], unknowns: [] };

function placeOf(item: { readonly span?: Span }): { readonly span?: Span } {
  return item.span === undefined ? {} : { span: item.span };
}

function withDependents(request: PlanRequest, linker: Linker): ReadonlySet<string> {
  const readers = new Map<string, string[]>();
  for (const name of request.set.builds.keys()) {
    for (const edge of linker.linksOf(name).edges) {
      const known = readers.get(edge.to);
      if (known === undefined) readers.set(edge.to, [name]);
      else known.push(name);
    }
  }
  const found = new Set(request.selected);
  for (const name of found) for (const reader of readers.get(name) ?? []) found.add(reader);
  return found;
}

function reach(set: BuildSet, roots: ReadonlySet<string>, linker: Linker): ReadonlySet<string> {
  const found = new Set<string>();
  for (const root of roots) if (set.builds.has(root)) found.add(root);
  for (const name of found) {
    for (const edge of linker.linksOf(name).edges) if (set.builds.has(edge.to)) found.add(edge.to);
  }
  return found;
}

/** Depth-first in the file's order, so that dependencies come directly before the builds that need them. */
function orderBuilds(reached: ReadonlySet<string>, linker: Linker): Result<readonly string[], Problem> {
  const order: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const root of reached) {
    if (state.has(root)) continue;
    const stack: { name: string; next: number }[] = [{ name: root, next: 0 }];
    state.set(root, 'open');
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top === undefined) break;
      const edge = linker.linksOf(top.name).edges[top.next];
      top.next++;
      if (edge === undefined) {
        state.set(top.name, 'done');
        order.push(top.name);
        stack.pop();
      } else if (reached.has(edge.to)) {
        const known = state.get(edge.to);
        if (known === 'open') return fail(describeCycle(shortestCycle(edge.to, reached, linker), linker));
        if (known === undefined) {
          state.set(edge.to, 'open');
          stack.push({ name: edge.to, next: 0 });
        }
      }
    }
  }
  return ok(order);
}

/** Breadth-first from a build on a cycle back to itself. */
function shortestCycle(start: string, reached: ReadonlySet<string>, linker: Linker): readonly string[] {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let at = 0; at < queue.length; at++) {
    const name = queue[at] ?? start;
    for (const edge of linker.linksOf(name).edges) {
      if (edge.to === start) {
        const cycle = [name];
        for (let back = name; back !== start; ) {
          back = cameFrom.get(back) ?? start;
          cycle.unshift(back);
        }
        return cycle;
      }
      if (!reached.has(edge.to) || cameFrom.has(edge.to)) continue;
      cameFrom.set(edge.to, name);
      queue.push(edge.to);
    }
  }
  return [start];
}

function describeCycle(cycle: readonly string[], linker: Linker): Problem {
  const hops = cycle.map((name, at) => {
    const to = cycle[(at + 1) % cycle.length] ?? name;
    const edge = linker.linksOf(name).edges.find((one) => one.to === to);
    return { name, to, edge };
  });
  const first = hops[0];
  return problem(
    'plan/cycle',
    `these builds depend on one another in a cycle: ${[...cycle, cycle[0]].join(' → ')}`,
    {
      ...(first?.edge?.span === undefined ? {} : { span: first.edge.span }),
      ...(first === undefined ? {} : { build: first.name }),
      related: hops.map(({ name, to, edge }) => ({
        message: `\`${name}\` needs \`${to}\` (${wordsOf(edge)})${edge?.span === undefined ? '' : ` at ${formatPlace(edge.span)}`}`,
        ...(edge?.span === undefined ? {} : { span: edge.span }),
      })),
      hint: 'Remove one of these dependencies.',
    },
  );
}

function wordsOf(edge: Edge | undefined): string {
  switch (edge?.reason) {
    case 'from':
      return `FROM ${edge.contextName}`;
    case 'copy':
      return `COPY --from=${edge.contextName}`;
    case 'mount':
      return `RUN --mount=from=${edge.contextName}`;
    case 'context':
      return `contexts: ${edge.contextName}`;
    default:
      return 'needs';
  }
}

function buildNodes(
  set: BuildSet,
  order: readonly string[],
  requested: ReadonlySet<string>,
  linker: Linker,
): ReadonlyMap<string, PlanNode> {
  const neededBy = new Map<string, string[]>(order.map((name) => [name, []]));
  for (const name of order) {
    for (const to of new Set(linker.linksOf(name).edges.map((edge) => edge.to))) neededBy.get(to)?.push(name);
  }
  const nodes = new Map<string, PlanNode>();
  for (const name of order) {
    const build = set.builds.get(name);
    if (build === undefined) continue;
    const { edges, ...links } = linker.linksOf(name);
    let level = 0;
    for (const edge of edges) level = Math.max(level, (nodes.get(edge.to)?.level ?? -1) + 1);
    const isRequested = requested.has(name);
    nodes.set(name, {
      build,
      role: isRequested ? 'asked' : 'needed',
      edges,
      neededBy: neededBy.get(name) ?? [],
      level,
      pushes:
        build.tags.length > 0 && (build.push === 'always' || (build.push === 'selected' && isRequested)),
      ...links,
    });
  }
  return nodes;
}

/** If two builds push the same tag, they overwrite each other, and the result is random. */
function findSharedTags(nodes: ReadonlyMap<string, PlanNode>): readonly Problem[] {
  const owners = new Map<string, { name: string; span: Span | undefined }>();
  const problems: Problem[] = [];
  for (const node of nodes.values()) {
    if (!node.pushes) continue;
    for (const tag of node.build.tags) {
      const name = tag.ref === undefined ? undefined : formatImageRef(tag.ref);
      if (name === undefined) continue;
      const other = owners.get(name);
      if (other === undefined) owners.set(name, { name: node.build.name, span: tag.span });
      else if (other.name !== node.build.name) {
        problems.push(
          problem('plan/same-tag', `\`${other.name}\` and \`${node.build.name}\` both push \`${tag.text}\``, {
            build: node.build.name,
            ...placeOf(tag),
            ...(other.span === undefined
              ? {}
              : { related: [{ message: `\`${other.name}\` pushes it here`, span: other.span }] }),
            hint:
              node.build.isBake === true
                ? 'Give each its own tag, or select only one of them.'
                : 'Give each its own tag, for example with `${{ build.name }}` or `${{ matrix.AXIS }}` in it, or select only one of them.',
          }),
        );
      }
    }
  }
  return problems;
}

/**
 * BuildKit silently uses a parent of one platform for any platform (measured: an amd64 image under an arm64 build), so
 * the plan must check that each parent is built for every platform of its dependents.
 */
function findMissingPlatforms(nodes: ReadonlyMap<string, PlanNode>): readonly Problem[] {
  const problems: Problem[] = [];
  for (const node of nodes.values()) {
    const wanted = node.build.platforms;
    for (const edge of node.edges) {
      const parent = nodes.get(edge.to);
      if (parent === undefined || edge.reason !== 'from' || edge.platform !== undefined) continue;
      const given = parent.build.platforms;
      if (given.length === 0 && wanted.length === 1) continue;
      const missing = wanted.filter((platform) => !given.includes(platform));
      if (missing.length === 0) continue;
      problems.push(
        problem(
          'plan/platform-missing',
          `\`${node.build.name}\` is built for ${missing.join(', ')}, but its base \`${edge.to}\` is not`,
          {
            build: node.build.name,
            ...placeOf(edge),
            hint: `Add ${missing.join(', ')} to \`platforms\` of \`${edge.to}\`; BuildKit would silently use another platform of it.`,
          },
        ),
      );
    }
  }
  return problems;
}
