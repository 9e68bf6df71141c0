/**
 * The plan as a document: stable in order, made without engine, network or secrets (schemas/plan.schema.json). It
 * contains what buildctl will get. Secrets appear only by id; values of sensitive variables do not appear, and values
 * whose names sound like secrets appear as `(hidden)`.
 */
import type { Build, Plan, PlanNode, TypedAttributes, VariableOrigin } from '../model/mod.ts';
import { createHider, formatPlace, hideByName, hideNamed, hideUsersIn } from '../model/mod.ts';

/** A plan as `plan --json` prints it. Version 1; additive only. */
export interface PlanDocument {
  /** Raised only if something changes its meaning; new keys may be added without. */
  readonly version: 1;
  /** In an order in which they can run. */
  readonly builds: readonly PlannedBuild[];
  /** Every variable of the set. */
  readonly variables: readonly PlannedVariable[];
}

/** A variable that values of the plan depend on. */
export interface PlannedVariable {
  /** Its key in `vars`. */
  readonly name: string;
  /** Absent for sensitive ones. */
  readonly value?: unknown;
  /** Whether the value is hidden in every output. */
  readonly sensitive?: true;
  /** Where the value came from. */
  readonly origin: VariableOrigin['kind'];
  /** The origin as text, with its place or name. */
  readonly from: string;
}

/** One build of the document; keys that are not set are absent. */
export interface PlannedBuild {
  /** Name of the build. */
  readonly name: string;
  /** Place of its key in builds.yaml: `FILE:LINE:COLUMN`. */
  readonly place?: string;
  /** Its description. */
  readonly description?: string;
  /** The matrix build that it is a row of, and its value on each axis. */
  readonly matrix?: { readonly name: string; readonly row: unknown };
  /** `asked`: it was selected. `needed`: it is only a dependency of another build. */
  readonly role: 'asked' | 'needed';
  /** 0: no dependencies. Otherwise one more than the highest level of its dependencies. */
  readonly level: number;
  /** The main context as written: a directory or a URL. */
  readonly context: string;
  /** Path of the Dockerfile, as written. */
  readonly dockerfile?: string;
  /** The text of an inline Dockerfile. */
  readonly 'dockerfile-inline'?: string;
  /** Absent: BuildKit's own Dockerfile frontend. */
  readonly frontend?: 'gateway.v0';
  /** The image of the frontend. */
  readonly source?: string;
  /** Options for the frontend that have no key of their own. */
  readonly opts?: Readonly<Record<string, string>>;
  /** Further options of `buildctl build`; paths as in builds.yaml. */
  readonly 'buildctl-options'?: readonly string[];
  /** The stage to build; absent: the last one. */
  readonly target?: string;
  /** Build arguments (`ARG`). */
  readonly args?: Readonly<Record<string, string>>;
  /** Labels of the image's config. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the manifest, with their levels. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Normalised: `linux/amd64`; absent: the engine's own. */
  readonly platforms?: readonly string[];
  /** Labels that an engine of a pool must have to build it. */
  readonly 'engine-labels'?: readonly string[];
  /** Names of the image, as written. */
  readonly tags?: readonly string[];
  /** Named contexts as written: name → `build:NAME`, a directory, an image or a URL. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Named contexts that are other builds and are not read: name → build. */
  readonly 'unused-contexts'?: Readonly<Record<string, string>>;
  /**
   * Builds that it waits for, each with the reason (`context`, `from`, `copy`, `mount`, `needs`), the name that the
   * Dockerfile uses, and the place.
   */
  readonly edges: readonly {
    readonly to: string;
    readonly reason: string;
    readonly as?: string;
    readonly place?: string;
  }[];
  /**
   * Images that no build of the plan produces, each with the reference, its use (`from`, `copy`, `mount`, `context`,
   * `syntax`, `attest`) and the place.
   */
  readonly images: readonly { readonly ref: string; readonly use: string; readonly place?: string }[];
  /** Cache imports as passed to buildctl: `type=registry,ref=…`. */
  readonly 'cache-from'?: readonly string[];
  /** Cache exports, in the same form. */
  readonly 'cache-to'?: readonly string[];
  /** Outputs in addition to the image, in the same form: `type=local,dest=…`. */
  readonly outputs?: readonly string[];
  /** Attestations, in the same form: `type=provenance,mode=max`. */
  readonly attest?: readonly string[];
  /** Ids of secrets. */
  readonly secrets?: readonly string[];
  /** Ids of SSH agents and keys. */
  readonly ssh?: readonly string[];
  /** Whether its tags are pushed when this plan runs. */
  readonly push: boolean;
  /** Inputs that cannot be known, as text; absent: none. If there are any, the build is never skipped. */
  readonly unknowns?: readonly string[];
}

/** Makes the document of a plan. Entries are in the order in which builds may run. */
export function describePlan(plan: Plan): PlanDocument {
  const variables = [...plan.set.variables.values()];
  const document: PlanDocument = {
    version: 1,
    builds: [...plan.nodes.values()].map(describeNode),
    variables: variables.map((variable) => ({
      name: variable.name,
      ...(variable.sensitive
        ? { sensitive: true as const }
        : { value: hideByName(variable.name, variable.value) }),
      origin: variable.origin.kind,
      from: describeOrigin(variable.origin),
    })),
  };
  return createHider(plan.set.variables).hide(hideUsersIn(document));
}

/** The origin of a value, as text. */
export function describeOrigin(origin: VariableOrigin): string {
  switch (origin.kind) {
    case 'default':
      return origin.span === undefined ? 'default' : `default at ${formatPlace(origin.span)}`;
    case 'env':
      return `environment variable ${origin.variable}`;
    case 'flag':
      return '--var';
    case 'file':
      return `--var-file ${origin.path}`;
  }
}

function describeNode(node: PlanNode): PlannedBuild {
  const build = node.build;
  return {
    name: build.name,
    ...(build.span === undefined ? {} : { place: formatPlace(build.span) }),
    ...(build.description === undefined ? {} : { description: build.description }),
    ...(build.matrix === undefined ? {} : { matrix: build.matrix }),
    role: node.role,
    level: node.level,
    context: build.context.written,
    ...describeDockerfile(build),
    ...(build.frontendImage === undefined
      ? {}
      : { frontend: 'gateway.v0' as const, source: build.frontendImage.image }),
    ...record('opts', hideNamed(build.opts)),
    ...list(
      'buildctl-options',
      build.buildctlOptions.flatMap(({ written }) => written),
    ),
    ...(build.target === undefined ? {} : { target: build.target }),
    ...record('args', hideNamed(build.args)),
    ...record('labels', hideNamed(build.labels)),
    ...record('annotations', hideNamed(build.annotations)),
    ...list('platforms', build.platforms),
    ...list('engine-labels', build.engineLabels ?? []),
    ...list(
      'tags',
      build.tags.map((tag) => tag.text),
    ),
    ...record('contexts', new Map([...build.contexts].map(([name, source]) => [name, source.written]))),
    ...record(
      'unused-contexts',
      new Map(node.unusedContexts.map(({ contextName, to }) => [contextName, to])),
    ),
    edges: node.edges.map((edge) => ({
      to: edge.to,
      reason: edge.reason,
      ...(edge.contextName === undefined ? {} : { as: edge.contextName }),
      ...(edge.span === undefined ? {} : { place: formatPlace(edge.span) }),
    })),
    images: node.externalImages.map((image) => ({
      ref: image.written,
      use: image.use,
      ...(image.span === undefined ? {} : { place: formatPlace(image.span) }),
    })),
    ...list('cache-from', build.cacheFrom.map(formatTyped)),
    ...list('cache-to', build.cacheTo.map(formatTyped)),
    ...list('outputs', build.outputs.map(formatTyped)),
    ...list('attest', build.attest.map(formatTyped)),
    ...list(
      'secrets',
      build.secrets.map((secret) => secret.id),
    ),
    ...list(
      'ssh',
      build.ssh.map((ssh) => ssh.id),
    ),
    push: node.pushes,
    ...list(
      'unknowns',
      node.unknowns.map(({ text }) => text),
    ),
  };
}

function describeDockerfile(build: Build): Pick<PlannedBuild, 'dockerfile' | 'dockerfile-inline'> {
  return build.dockerfile.kind === 'inline'
    ? { 'dockerfile-inline': build.dockerfile.text }
    : { dockerfile: build.dockerfile.written };
}

const PATHS = new Set(['dest', 'src']);

function formatTyped(typed: TypedAttributes): string {
  const show = (key: string, value: string): string => {
    // The location of the repository on this machine is not part of the plan.
    return hideByName(key, PATHS.has(key) ? (typed.writtenPath ?? value) : value);
  };
  const attributes = [...typed.attributes].map(([key, value]) => `${key}=${show(key, value)}`);
  return [`type=${typed.type}`, ...attributes].join(',');
}

function list<K extends string>(
  key: K,
  items: readonly string[],
): { readonly [key in K]?: readonly string[] } {
  return (items.length === 0 ? {} : { [key]: items }) as { readonly [key in K]?: readonly string[] };
}

function record<K extends string>(
  key: K,
  items: ReadonlyMap<string, string>,
): { readonly [key in K]?: Readonly<Record<string, string>> } {
  return (items.size === 0 ? {} : { [key]: Object.fromEntries(items) }) as {
    readonly [key in K]?: Readonly<Record<string, string>>;
  };
}
