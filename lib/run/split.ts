/** Building a node whose platforms no single engine of a pool has: each engine builds those that it has, and they are joined. */
import { rm } from 'node:fs/promises';
import type { BuildOutput, Built } from '../buildctl/mod.ts';
import type { NodeInputs } from '../inputs/mod.ts';
import {
  type Digest,
  type ImageRef,
  isSamePlatform,
  type PlanNode,
  type Problem,
  partOfBuild,
  problem,
  type Result,
} from '../model/mod.ts';
import { type JoinedImage, joinPlatforms, type RegistryClient } from '../registry/mod.ts';
import { allowListeners } from '../util/follow-signal.ts';
import type { Called, NotBuilt } from './buildctl-calls.ts';
import type { Building } from './context.ts';
import type { Emit } from './emitter.ts';
import { callLinked } from './linked-calls.ts';
import { Phases } from './phases.ts';

/** What came of it. */
export type SplitBuilt =
  | NotBuilt
  | { readonly kind: 'done'; readonly built: Built; readonly ranMs: number; readonly image: JoinedImage };

/** How a node is split. */
export interface Split {
  /** Platforms that are built in one call each. */
  readonly groups: readonly (readonly string[])[];
  /** Where all of it is pushed to by digest, the first one first. */
  readonly repositories: readonly [ImageRef, ...(readonly ImageRef[])];
  /** Outputs that push there. */
  readonly outputs: readonly BuildOutput[];
  /** Called with each group's image as soon as it is there, whatever becomes of the others. */
  readonly onPart: (digest: Digest) => void;
}

/** A group that is built. */
interface Part {
  readonly platforms: readonly string[];
  readonly digest: Digest | undefined;
  readonly built: Built;
  readonly ranMs: number;
}

/** Builds all groups at once, and joins them. Where one fails, the others are stopped, and nothing is joined. */
export async function buildSplit(
  building: Building,
  node: PlanNode,
  inputs: NodeInputs,
  { groups, repositories, outputs, onPart }: Split,
): Promise<SplitBuilt> {
  const stopper = new AbortController();
  allowListeners(stopper.signal);
  const { calling } = building;
  const cancel = () => stopper.abort(calling.signal.reason);
  if (calling.signal.aborted) cancel();
  calling.signal.addEventListener('abort', cancel, { once: true });
  const tell = besides(calling.emit, groups);
  const parts = await Promise.all(
    groups.map(async (platforms, at) => {
      const own = {
        ...calling,
        emit: tell.of(at),
        signal: stopper.signal,
        // The phases of a build are those of its first call; the others run in parallel.
        phases: at === 0 ? calling.phases : quietPhases(node.build.name),
      };
      const called = await callLinked({ ...building, calling: own }, node, inputs, {
        build: partOfBuild(node.build, platforms),
        outputsIn: () => outputs,
      });
      tell.ended(at);
      if (called.kind !== 'done') stopper.abort('another platform');
      else {
        if (called.built.digest !== undefined) onPart(called.built.digest);
        await rm(called.attempt.workDir, { recursive: true, force: true });
      }
      return { platforms, called };
    }),
  );
  calling.signal.removeEventListener('abort', cancel);
  const failed = parts.find(({ called }) => called.kind === 'failed') ?? parts.find(isNotDone);
  if (failed !== undefined) return failed.called as NotBuilt;
  const done = parts.flatMap(({ platforms, called }): readonly Part[] =>
    called.kind === 'done'
      ? [{ platforms, digest: called.built.digest, built: called.built, ranMs: called.ranMs }]
      : [],
  );
  calling.phases.enter(node.build.name, 'pushing');
  const joined = await join(building.registry, node, done, repositories);
  if (!joined.ok) {
    if (calling.signal.aborted) return { kind: 'cancelled' };
    const [first] = joined.error;
    return { kind: 'failed', problem: { ...(first ?? notSaid(node)), build: node.build.name } };
  }
  const { digest, mediaType } = joined.value;
  return {
    kind: 'done',
    built: { digest, mediaType, steps: sumOf(done) },
    ranMs: Math.max(...done.map(({ ranMs }) => ranMs)),
    image: joined.value,
  };
}

function isNotDone({ called }: { readonly called: Called }): boolean {
  return called.kind !== 'done';
}

/** Puts the index of all platforms, in the order of the build, into every repository. */
async function join(
  registry: RegistryClient,
  { build }: PlanNode,
  parts: readonly Part[],
  repositories: Split['repositories'],
): Promise<Result<JoinedImage>> {
  const [repository] = repositories;
  return joinPlatforms(registry, {
    repositories,
    annotations: build.annotations,
    parts: build.platforms.flatMap((platform) => {
      const part = parts.find((one) => one.platforms.some((other) => isSamePlatform(other, platform)));
      return part?.digest === undefined ? [] : [{ platform, digest: part.digest, repository }];
    }),
  });
}

function sumOf(parts: readonly Part[]): Built['steps'] {
  return {
    total: parts.reduce((sum, { built }) => sum + built.steps.total, 0),
    cached: parts.reduce((sum, { built }) => sum + built.steps.cached, 0),
  };
}

/** The events of calls of one build that run at a time: what each builds is said, and which came while another one ran. */
function besides(
  emit: Emit,
  groups: Split['groups'],
): { of: (at: number) => Emit; ended: (at: number) => void } {
  const running = new Set<number>();
  return {
    of: (at) => (event) => {
      if (event.type !== 'node-started' || groups.length < 2) {
        emit(event);
        return;
      }
      const isBeside = [...running].some((other) => other !== at);
      running.add(at);
      emit({ ...event, platforms: groups[at] ?? [], ...(isBeside ? { beside: true } : {}) });
    },
    ended: (at) => {
      running.delete(at);
    },
  };
}

function quietPhases(build: string): Phases {
  const phases = new Phases(() => undefined);
  phases.begin(build);
  return phases;
}

function notSaid({ build }: PlanNode): Problem {
  return problem('build/failed', `the platforms of \`${build.name}\` could not be joined`);
}
