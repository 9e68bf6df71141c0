/**
 * Why builds would run or be skipped now: a dry run that keeps the reasons of each decision. Nothing is built, pushed or
 * recorded. It queries registries as a run would, and also for tags that a run need not query.
 */
import path from 'node:path';
import type { NodeInputs } from '../inputs/mod.ts';
import type { Lock } from '../lock/mod.ts';
import {
  type BuildRecord,
  createHider,
  type Digest,
  formatPlace,
  type Hider,
  type KeyParts,
  type Plan,
  type PlanNode,
  type Problem,
  type ProblemJson,
  type Reason,
  soundsSecret,
  type UnknownInput,
} from '../model/mod.ts';
import {
  askTags,
  changesBut,
  changesElsewhere,
  checkPlan,
  findMissingSecrets,
  findNotPermitted,
  KEPT_WORDS,
  type NodeContext,
  needsOf,
  type Observer,
  runGraph,
  runNode,
  type Session,
  type SessionOptions,
  type TagState,
  untrackedBut,
  type Waiting,
  type Weighed,
  waitingFor,
  wantedTags,
  withSession,
} from '../run/mod.ts';
import { REMEDIES } from './remedies.ts';

/** What to explain: every build of the plan. */
export type ExplainOptions = Pick<
  SessionOptions,
  'plan' | 'dockerfiles' | 'env' | 'address' | 'signal' | 'hostArchitecture' | 'engines'
>;

/** The explanations of all builds. */
export interface ExplainReport {
  /** In the order of the plan. */
  readonly builds: readonly Explanation[];
  /** Problems with which a run would not start. The explanations are valid all the same. */
  readonly problems: readonly Problem[];
}

/** One build; the form of `explain --json` (schemas/explain.schema.json). */
export interface Explanation {
  /** Name of the build. */
  readonly build: string;
  /** `asked`: it was selected. `needed`: it is only a dependency of another build. */
  readonly role: 'asked' | 'needed';
  /**
   * What a run would do. `rebase`: make a new config over the existing layers. `depends`: a dependency is built
   * first, and this build only if the dependency's result differs. `impossible`: see `problem` or `blockedBy`.
   */
  readonly decision: 'build' | 'unchanged' | 'retag' | 'rebase' | 'depends' | 'impossible';
  /** Why; absent for `impossible`. */
  readonly reason?: Reason;
  /** With `impossible`: what prevents a run from building it. */
  readonly problem?: ProblemJson;
  /** With `impossible`: the build whose failure prevents this one from being built. */
  readonly blockedBy?: string;
  /** sha256 (hexadecimal) of its inputs; absent if they cannot be known. */
  readonly key?: string;
  /** Differences from its last success on this machine. */
  readonly differences: Differences;
  /** The inputs of its image; absent if the Dockerfile or a context cannot be read. */
  readonly inputs?: ExplainedInputs;
  /** Inputs that cannot be known, and what to do about it. If there are any, the build is never skipped. */
  readonly untracked: readonly { readonly what: string; readonly remedy: string }[];
  /** Whether a run pushes it. */
  readonly pushes: boolean;
  /** What its registries have under each of its tags; empty if a run does not push it. */
  readonly tags: readonly ExplainedTag[];
  /** The last result; absent if none is recorded. */
  readonly last?: LastBuilt;
}

/** Differences from the inputs at the last success of this build on this machine. */
export interface Differences {
  /** Whether there was one. */
  readonly known: boolean;
  /** Each as text, 200 at most: `context: src/main.c changed`. */
  readonly items: readonly string[];
  /** How many there are, including those that are not listed. */
  readonly total: number;
}

/** A name with its value. The value is absent if it may be a secret. */
export type NamedValue =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly hidden: true };

/** The inputs on which the result depends. */
export interface ExplainedInputs {
  /** Relative to the root; `inline` for one in builds.yaml. */
  readonly dockerfile: string;
  /** Undefined: the last stage. */
  readonly target?: string;
  /** Empty: the engine's own, which is then listed in `options`. */
  readonly platforms: readonly string[];
  /** Build arguments (`ARG`) that can matter. */
  readonly args: readonly NamedValue[];
  /**
   * Local contexts: name (`context` for the main one), where it is as written, how many files of it are read and their
   * size in bytes.
   */
  readonly contexts: readonly {
    readonly name: string;
    readonly source: string;
    readonly files: number;
    readonly bytes: number;
  }[];
  /** External images: as written, current digest, and whether builds.lock pins them to it. */
  readonly images: readonly { readonly image: string; readonly digest: string; readonly locked: boolean }[];
  /** `digest` is absent if the dependency must be built first; with several platforms it lists one for each. */
  readonly parents: readonly { readonly name: string; readonly build: string; readonly digest?: string }[];
  /** Everything else that changes bytes: labels, annotations, compression, network, … */
  readonly options: readonly NamedValue[];
}

/** What a registry has under a tag, compared with what it should have. */
export interface ExplainedTag {
  /** The full reference. */
  readonly ref: string;
  /** `there`: there is an image, but without a known result it is not clear whether it is the right one. */
  readonly state: 'right' | 'other' | 'there' | 'missing' | 'unknown';
  /** What the tag points at; absent if nothing, or if not known. */
  readonly digest?: Digest;
  /** With `unknown`: the reason. */
  readonly why?: string;
}

/** The result of the same inputs if there is one, otherwise of the last success on this machine. */
export interface LastBuilt
  extends Pick<BuildRecord, 'digest' | 'finishedAt' | 'durationMs' | 'sizeBytes' | 'steps' | 'platforms'> {
  /** Whether it was made from the current inputs. */
  readonly sameInputs: boolean;
}

/** Maximum number of differences that are reported individually. */
export const MOST_DIFFERENCES = 200;

/** Explains every build of a plan. */
export async function explainBuilds(options: ExplainOptions): Promise<ExplainReport> {
  const { plan } = options;
  const explained = await withSession({ ...options, dryRun: true }, async (session) => {
    const { lock, records } = session;
    const missing = findNotPermitted(plan, options.env, lock.ok ? lock.value : undefined);
    const problems: Problem[] = [
      ...(missing === undefined ? [] : [missing]),
      ...(records.ok ? [] : [records.error]),
      ...(lock.ok ? [] : lock.error),
      ...(await checkPlan(plan, options.dockerfiles)),
    ];
    const { context, results } = await session.startPass(true);
    const explainer = new Explainer(plan, session, context);
    const found = new Map<string, Explanation>();
    await runGraph({
      needs: needsOf(plan),
      run: async (name) => {
        const node = plan.nodes.get(name);
        if (node === undefined) return 'failed';
        let seen: Parameters<Observer> | undefined;
        const result = await runNode(context, node, (...all) => {
          seen = all;
        });
        results.set(name, result);
        if (result.outcome.kind === 'cancelled') return 'cancelled';
        if (seen === undefined) {
          found.set(name, impossible(node, { problem: result.outcome.problem }));
          return 'failed';
        }
        found.set(name, await explainer.explain(node, ...seen));
        return 'done';
      },
      block: (name, by) => {
        const node = plan.nodes.get(name);
        if (node !== undefined && !context.signal.aborted)
          found.set(name, impossible(node, { blockedBy: by }));
      },
    });
    const builds = [...plan.nodes.keys()].flatMap((name) => found.get(name) ?? []);
    for (const { build: name, decision } of builds) {
      const node = plan.nodes.get(name);
      // Only builds that run need their secrets.
      if (node === undefined || decision !== 'build') continue;
      problems.push(...(await findMissingSecrets(node.build, options.env)));
    }
    // Warnings about the state of earlier runs explain why it is not used.
    return { builds, problems: [...problems, ...session.state.warnings()] };
  });
  return explained.ok ? explained.value : { builds: [], problems: [explained.error] };
}

function impossible(
  node: PlanNode,
  why: { readonly problem?: ProblemJson | undefined; readonly blockedBy?: string },
): Explanation {
  return {
    build: node.build.name,
    role: node.role,
    decision: 'impossible',
    ...(why.problem === undefined ? {} : { problem: why.problem }),
    ...(why.blockedBy === undefined ? {} : { blockedBy: why.blockedBy }),
    differences: { known: false, items: [], total: 0 },
    untracked: [],
    pushes: node.pushes,
    tags: [],
  };
}

class Explainer {
  readonly #session: Session;
  readonly #context: NodeContext;
  readonly #lock: Lock | undefined;
  readonly #hider: Hider;
  readonly #root: string;

  constructor(plan: Plan, session: Session, context: NodeContext) {
    this.#session = session;
    this.#context = context;
    this.#lock = session.lock.ok ? session.lock.value : undefined;
    this.#hider = createHider(plan.set.variables);
    this.#root = plan.set.root;
  }

  async explain(
    node: PlanNode,
    inputs: NodeInputs,
    weighed: Weighed,
    depends: boolean,
  ): Promise<Explanation> {
    const { build } = node;
    const { record } = weighed;
    const last = await this.#context.memory.latest(build.name);
    const lastRecord =
      record ?? (last === undefined ? undefined : await this.#session.state.readRecord(last.key));
    const waiting = waitingFor(this.#context.resultOf, node);
    const untracked = untrackedBut(inputs, waiting);
    const limit = Number.POSITIVE_INFINITY;
    const { isSecret } = this.#context.keying;
    const found =
      last === undefined
        ? await this.#changesElsewhere(node, inputs, weighed, waiting)
        : changesBut(inputs, last, waiting, { isSecret, limit });
    const all = found ?? [];
    const tags = node.pushes ? await askTags(this.#session.registry, wantedTags(node)) : [];
    const whole: Explanation = {
      build: build.name,
      role: node.role,
      decision: depends ? 'depends' : weighed.decision.kind,
      reason: this.#reason(weighed, untracked, all),
      ...(inputs.key === undefined ? {} : { key: inputs.key }),
      differences: {
        known: found !== undefined && inputs.parts !== undefined,
        items: all.slice(0, MOST_DIFFERENCES),
        total: all.length,
      },
      ...(inputs.parts === undefined ? {} : { inputs: this.#explainInputs(node, inputs, inputs.parts) }),
      untracked: untracked.map(({ kind, text }) => ({ what: text, remedy: REMEDIES[kind] })),
      pushes: node.pushes,
      tags: tags.map((tag) => explainTag(tag, record?.digest)),
      ...(lastRecord === undefined ? {} : { last: describeLast(lastRecord, record !== undefined) }),
    };
    return this.#hider.hide(whole, KEPT_WORDS);
  }

  /** Shared records are only requested for builds that would run. */
  async #changesElsewhere(
    node: PlanNode,
    inputs: NodeInputs,
    { record }: Weighed,
    { names }: Waiting,
  ): Promise<readonly string[] | undefined> {
    if (record !== undefined) return undefined;
    return changesElsewhere(this.#context.deciding, node, inputs, {
      names,
      limit: Number.POSITIVE_INFINITY,
    });
  }

  /** All changes are reported as differences, so the reason only contains their number. */
  #reason({ decision }: Weighed, untracked: readonly UnknownInput[], differences: readonly string[]): Reason {
    const { code, text, items } = decision.reason;
    if (code === 'changed' && differences.length > 0) return { code, text: changeText(differences) };
    // Unknown inputs take precedence over every other reason; that dependencies are built first is not a reason here.
    const kept = untracked.length > 0 ? untracked.map(({ text }) => text) : items;
    return { code, text, ...(kept === undefined ? {} : { items: kept }) };
  }

  #explainInputs(node: PlanNode, inputs: NodeInputs, parts: KeyParts): ExplainedInputs {
    const { dockerfile } = node.build;
    const { dockerfiles } = this.#context.keying;
    const edges = new Map(
      node.edges.flatMap((edge) => (edge.contextName === undefined ? [] : [[edge.contextName, edge.to]])),
    );
    const names = new Set([...Object.keys(parts.parents), ...waitingFor(this.#context.resultOf, node).names]);
    return {
      dockerfile:
        dockerfile.kind === 'file'
          ? path.relative(
              this.#root,
              path.resolve(this.#root, dockerfiles.pathOf(node.build) ?? dockerfile.path),
            )
          : `inline${dockerfile.span === undefined ? '' : ` at ${formatPlace(dockerfile.span)}`}`,
      ...(parts.target === '' ? {} : { target: parts.target }),
      platforms: parts.platforms,
      args: this.#values(parts.args),
      contexts: inputs.contexts.map(({ name, request, hashed }) => ({
        name,
        source: request.written,
        files: hashed.fileCount,
        bytes: hashed.bytes,
      })),
      images: Object.entries(parts.images).map(([image, digest]) => {
        const ref = node.externalImages.find(({ written }) => written === image)?.ref;
        return { image, digest, locked: ref !== undefined && this.#lock?.digestOf(ref) === digest };
      }),
      parents: [...names].map((name) => {
        const digest = parts.parents[name];
        return { name, build: edges.get(name) ?? name, ...(digest === undefined ? {} : { digest }) };
      }),
      options: this.#values(parts.options),
    };
  }

  #values(values: Readonly<Record<string, string>>): readonly NamedValue[] {
    return Object.entries(values).map(([name, value]) =>
      soundsSecret(name) || this.#hider.holds(value) ? { name, hidden: true } : { name, value },
    );
  }
}

function changeText(differences: readonly string[]): string {
  const [first = ''] = differences;
  return differences.length === 1 ? first : `${first}, and ${differences.length - 1} more`;
}

function explainTag({ ref, state }: TagState, wanted: Digest | undefined): ExplainedTag {
  switch (state.kind) {
    case 'absent':
      return { ref, state: 'missing' };
    case 'unknown':
      return { ref, state: 'unknown', why: state.why };
    case 'digest': {
      const { digest } = state;
      if (wanted === undefined) return { ref, state: 'there', digest };
      return { ref, state: digest === wanted ? 'right' : 'other', digest };
    }
  }
}

function describeLast(record: BuildRecord, sameInputs: boolean): LastBuilt {
  const { digest, finishedAt, durationMs, sizeBytes, steps, platforms } = record;
  return {
    digest,
    finishedAt,
    durationMs,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    steps,
    platforms,
    sameInputs,
  };
}
