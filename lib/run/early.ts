/**
 * Early starts. A push can take minutes, and builds based on the image need not wait for it, since the engine has the bytes. So
 * during a slow push, the image also gets a name in the engine's store, and the builds that read it are built from there, but
 * only into the engine's cache.
 *
 * Early starts decide nothing. When the push is done, each of these builds is decided on, built and published like any other; it
 * finds its steps in the cache and results in the same image, since links use digests. If the push fails or results in another
 * image, only time is lost. The build pushes only then: by that time its registry has the layers of its parents and can mount
 * them.
 */
import { rm } from 'node:fs/promises';
import { type BuildOutput, emptyStored } from '../buildctl/mod.ts';
import { computeInputs, type NodeInputs } from '../inputs/mod.ts';
import {
  type Build,
  formatImageRef,
  isAttested,
  type Outcome,
  type Plan,
  type PlanNode,
  problemToJson,
  type Reason,
  runsAnew,
  withoutFiles,
} from '../model/mod.ts';
import { readImage, readingStore } from './build.ts';
import type { Called } from './buildctl-calls.ts';
import type { Building, EarlyBuild, NodeContext, NodeResult, NodeRun } from './context.ts';
import type { Emit } from './emitter.ts';
import { weigh } from './evidence.ts';
import { mayUseLayersOnly } from './layers-only.ts';
import { callLinked } from './linked-calls.ts';
import { linkParents } from './links.ts';
import { Phases } from './phases.ts';
import type { EarlyEnd } from './scheduler.ts';
import { storeName } from './store-names.ts';

/** The result of an early start; with `outcome` the build has ended. */
export interface EarlyStart {
  readonly end: EarlyEnd;
  readonly outcome?: Outcome;
}

const NO: EarlyStart = { end: 'no' };
const NO_STEPS = { total: 0, cached: 0 };

/** The early starts of a pass over the plan. */
export class EarlyStarts {
  readonly #keepsImages: () => Promise<boolean>;
  readonly #plan: Plan;
  readonly #context: NodeContext;
  readonly #results: ReadonlyMap<string, NodeResult>;
  /** Build → its result in the engine's store, while the build is not done. */
  readonly #kept = new Map<string, NodeResult>();
  readonly #built = new Map<string, EarlyBuild>();
  readonly #stoppers = new Map<string, AbortController>();
  /** Build → resolves when the call that names its image has given its slot back. */
  readonly #naming = new Map<string, Promise<void>>();
  /** Names in the engine's store that are not needed after the run. */
  readonly #names = new Set<string>();

  /** @param keepsImages whether the engine has a store from which builds can read images */
  constructor({ context, results }: NodeRun, plan: Plan, keepsImages: () => Promise<boolean>) {
    this.#keepsImages = keepsImages;
    this.#plan = plan;
    this.#results = results;
    const resultOf = (build: string) => results.get(build) ?? this.#kept.get(build);
    const keying = { ...context.keying, resultOf };
    this.#context = {
      ...context,
      resultOf,
      keying,
      deciding: { ...context.deciding, keying },
      building: { ...context.building, resultOf },
    };
  }

  /** What was built before a build's turn, if anything. */
  of(build: string): EarlyBuild | undefined {
    return this.#built.get(build);
  }

  /** Stops the early start of a build that will not run. */
  stop(build: string): void {
    this.#stopperOf(build).abort();
  }

  /** Names the image of a build in the engine's store, so that others can read it during its push. */
  async keep(node: PlanNode, inputs: NodeInputs): Promise<EarlyStart> {
    if (!node.pushes || !isRepeatable(node.build) || !this.#hasReaders(node)) return NO;
    if (!(await this.#keepsImages())) return NO;
    const called = await this.#build(node, inputs, {
      // The build's own call reports everything except the slot.
      emit: () => undefined,
      phases: this.#showSlot(node.build.name),
      // Everything is cached, and others wait for it.
      priorityOf: async () => Number.POSITIVE_INFINITY,
    });
    return called.kind === 'done' && this.#kept.has(node.build.name) ? { end: 'ready' } : NO;
  }

  /** Stops naming the image after the push has ended. Resolves when no slot is used for that. */
  async endKeep(build: string): Promise<void> {
    const naming = this.#naming.get(build);
    if (naming === undefined) return;
    this.stop(build);
    await naming;
  }

  /** Phases that report only the slot of the additional call. */
  #showSlot(build: string): Phases {
    let giveBack: (() => void) | undefined;
    const phases = new Phases((event) => {
      if (event.type !== 'node-phase') return;
      const { slot } = event;
      this.#context.phases.lend(build, slot);
      if (slot === undefined) giveBack?.();
      else if (giveBack === undefined) {
        const taken = new Promise<void>((resolve) => {
          giveBack = resolve;
        });
        this.#naming.set(build, taken);
      }
    });
    phases.begin(build);
    return phases;
  }

  /** Whether some build can be started early once the image can be read. */
  #hasReaders({ build: { name }, neededBy }: PlanNode): boolean {
    return neededBy.some((reader) => {
      const node = this.#plan.nodes.get(reader);
      if (node === undefined || !isRepeatable(node.build)) return false;
      return node.edges.every(({ to, contextName }) => to !== name || contextName !== undefined);
    });
  }

  /** Builds a reader of images that are not pushed yet, only into the engine's cache. */
  async start(node: PlanNode): Promise<EarlyStart> {
    const build = node.build.name;
    const waitsFor = node.edges.filter(({ to }) => !this.#results.has(to));
    // Builds under `needs:` must be completely done.
    if (!isRepeatable(node.build) || waitsFor.some(({ contextName }) => contextName === undefined)) return NO;
    const { keying, deciding, building, emit, phases } = this.#context;
    const inputs = await computeInputs(keying, node);
    if (inputs.key === undefined || inputs.problems.length > 0) return NO;
    const { decision } = await weigh(deciding, node, inputs);
    if (decision.kind !== 'build') return NO;
    const parents = new Set(waitsFor.flatMap(({ contextName }) => contextName ?? []));
    if (!(await this.#areSplit(node, inputs, parents))) return NO;
    emit({
      type: 'early-started',
      build,
      waitsFor: [...new Set(waitsFor.map(({ to }) => to))],
      reason: decision.reason,
    });
    phases.begin(build);
    // The engine repeats its warnings at the build's turn.
    const called = await this.#build(node, inputs, {
      emit: (event) => {
        if (event.type !== 'warning') emit(event);
      },
      phases,
      priorityOf: building.calling.priorityOf,
    });
    // The failure of a step does not depend on the push.
    if (called.kind === 'failed' && called.problem.code === 'build/step-failed')
      return this.#fail(build, decision.reason, called);
    // It may have been blocked and reported meanwhile.
    if (phases.isOpen(build)) {
      phases.finish(build);
      emit({
        type: 'early-finished',
        build,
        steps: called.kind === 'done' ? called.built.steps : NO_STEPS,
      });
    }
    if (called.kind !== 'done') return NO;
    this.#built.set(build, { steps: called.built.steps, ranMs: called.ranMs });
    return { end: this.#kept.has(build) ? 'ready' : 'no' };
  }

  /** Releases the names in the engine's store by giving them to an empty image. */
  async close(): Promise<void> {
    const { calling } = this.#context.building;
    if (this.#names.size === 0 || calling.signal.aborted) return;
    const engine = await calling.engine();
    if (!engine.ok) return;
    const workDir = calling.newWorkDir();
    await emptyStored(engine.value.buildctl, { names: [...this.#names], workDir, signal: calling.signal });
    await rm(workDir, { recursive: true, force: true });
  }

  /** Builds images that others read into the engine's store, and everything else only into its cache. */
  async #build(
    node: PlanNode,
    inputs: NodeInputs,
    own: { readonly emit: Emit } & Pick<Building['calling'], 'phases' | 'priorityOf'>,
  ): Promise<Called> {
    const build = node.build.name;
    // It may have been stopped before.
    const stopper = this.#stopperOf(build);
    const stop = () => stopper.abort();
    if (this.#context.signal.aborted) stop();
    this.#context.signal.addEventListener('abort', stop, { once: true });
    const calling = { ...this.#context.building.calling, ...own, signal: stopper.signal };
    const building = { ...this.#context.building, calling };
    const isRead = this.#hasReaders(node);
    const ref = storeName(building.naming, build);
    const output: BuildOutput = isRead ? { kind: 'store', names: [formatImageRef(ref)] } : { kind: 'cached' };
    try {
      const called = await callLinked(building, node, inputs, {
        // The build's own call exports the cache and writes files.
        build: { ...node.build, cacheTo: [], buildctlOptions: withoutFiles(node.build.buildctlOptions) },
        outputsIn: () => [output],
      });
      if (called.kind !== 'done') return called;
      await rm(called.attempt.workDir, { recursive: true, force: true });
      const { digest } = called.built;
      if (isRead && digest !== undefined) {
        if (node.pushes) this.#names.add(formatImageRef(ref));
        const platform = node.build.platforms[0] ?? building.enginePlatform;
        const { image } = await readImage(platform, digest, readingStore(called.engine.buildctl));
        if (image !== undefined) {
          this.#kept.set(build, {
            outcome: { build, kind: 'built', tags: [], durationMs: 0, digest },
            image: { ...image, location: { kind: 'store', ref: { ...ref, digest }, confirmed: true } },
            inputs,
            ...(inputs.produces === undefined ? {} : { produces: inputs.produces }),
          });
        }
      }
      return called;
    } finally {
      this.#context.signal.removeEventListener('abort', stop);
    }
  }

  #stopperOf(build: string): AbortController {
    const stopper = this.#stoppers.get(build) ?? new AbortController();
    this.#stoppers.set(build, stopper);
    return stopper;
  }

  /**
   * Whether steps are now based on the same layers-only images of parents as at the build's turn; otherwise they would not be
   * cached then.
   */
  async #areSplit(node: PlanNode, inputs: NodeInputs, parents: ReadonlySet<string>): Promise<boolean> {
    const mayUse = mayUseLayersOnly(node.build, inputs);
    const request = { node, rebuildUnconfirmed: false, mayUseLayersOnly: mayUse };
    const links = await linkParents(this.#context.building, request);
    if (!links.ok) return false;
    for (const link of links.value) {
      if (link.kind !== 'image' || link.layersOnly === undefined) continue;
      const { digest: _, ...name } = link.layersOnly;
      if (parents.has(link.contextName)) this.#names.add(formatImageRef(name));
    }
    return (
      !mayUse ||
      links.value.every(
        (link) => !parents.has(link.contextName) || (link.kind === 'image' && link.layersOnly !== undefined),
      )
    );
  }

  #fail(
    build: string,
    reason: Reason,
    { problem, steps }: Extract<Called, { readonly kind: 'failed' }>,
  ): EarlyStart {
    const outcome: Outcome = {
      build,
      kind: 'failed',
      tags: [],
      reason,
      ...this.#context.phases.finish(build),
      ...(steps === undefined ? {} : { steps }),
      problem: problemToJson(problem),
    };
    return { end: 'failed', outcome };
  }
}

/** Whether a second build results in the same image and costs nothing. */
function isRepeatable(build: Build): boolean {
  return !runsAnew(build) && !isAttested(build) && build.secrets.every(({ from }) => from.kind !== 'command');
}
