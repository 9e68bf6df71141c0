/** Watching within the test's process: a fake world whose files change, and everything that came of it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBuilds } from '../../lib/config/mod.ts';
import { type BakeEvent, ok, type Problem, type Result, type RunSummary } from '../../lib/model/mod.ts';
import { preparePlan } from '../../lib/prepare/mod.ts';
import { bakeWith } from '../../lib/run/mod.ts';
import {
  type WatchEnd,
  type WatchEvent,
  type WatchedSet,
  type WatchOptions,
  watchBuilds,
} from '../../lib/watch/mod.ts';
import { accessTo, envOf, type FakeWorld } from './fake-world.ts';

/** A round that is over. */
export interface DoneRound {
  readonly summary: RunSummary;
  readonly events: readonly BakeEvent[];
  readonly isSuperseded: boolean;
  /** Build → how it ended. */
  readonly kinds: Readonly<Record<string, string>>;
}

/** A watch that goes on. */
export interface Watching {
  readonly rounds: readonly DoneRound[];
  readonly events: readonly WatchEvent[];
  /** Waits until nothing is left to do, and gives the rounds since the last time. */
  readonly settle: () => Promise<readonly DoneRound[]>;
  /** Waits until something is so. */
  readonly until: (what: string, isSo: () => boolean) => Promise<void>;
  readonly stop: () => Promise<Result<WatchEnd>>;
}

const MOST_MS = 20_000;

/** Starts watching in a world; ended with the test. */
export async function startWatching(
  t: TestContext,
  world: FakeWorld,
  more: Pick<WatchOptions, 'ownFiles' | 'times'> & { readonly patterns?: readonly string[] } = {},
): Promise<Watching> {
  const env = envOf(world);
  const selection = { patterns: more.patterns ?? ['*'] };
  const read = async (): Promise<Result<WatchedSet>> => {
    const found = await readBuilds({ cwd: world.dir, env });
    if (!found.ok) return found;
    return ok({
      ...found.value,
      files: new Set(found.value.set.files.map((file) => path.resolve(world.dir, file))),
    });
  };
  const sinceMs = Date.now();
  const first = await read();
  assert(first.ok, JSON.stringify(first));
  const prepared = preparePlan(first.value.set, selection, world.dir);
  assert(prepared.ok, JSON.stringify(prepared));
  const rounds: DoneRound[] = [];
  const events: WatchEvent[] = [];
  const controller = new AbortController();
  const watching = watchBuilds({
    first: first.value,
    prepared: prepared.value,
    read,
    selection,
    cwd: world.dir,
    sinceMs,
    signal: controller.signal,
    ownFiles: [world.home, ...(more.ownFiles ?? [])],
    ...(more.times === undefined ? {} : { times: more.times }),
    onEvent: (event) => {
      events.push(event);
    },
    run: async (round) => {
      const seen: BakeEvent[] = [];
      const summary = await bakeWith(accessTo(world.engine), {
        plan: round.plan,
        dockerfiles: round.dockerfiles,
        env,
        jobs: 4,
        hostArchitecture: 'amd64',
        signal: round.signal,
        onReads: round.onReads,
        ...(round.changed === undefined ? {} : { changed: round.changed }),
        onEvent: (event) => {
          seen.push(event);
          round.onEvent(event);
        },
        sleep: async () => undefined,
      });
      const kinds = Object.fromEntries(summary.outcomes.map((one) => [one.build, one.kind]));
      rounds.push({ summary, events: seen, isSuperseded: round.isSuperseded(), kinds });
      return summary;
    },
  });
  watching.catch(() => undefined);
  let done = 0;
  let waited = 0;
  const until = async (what: string, isSo: () => boolean): Promise<void> => {
    const endsMs = Date.now() + MOST_MS;
    while (!isSo()) {
      if (Date.now() > endsMs)
        throw new Error(`not within ${MOST_MS} ms: ${what}; ${JSON.stringify(events.slice(-5))}`);
      await sleep(5);
    }
  };
  const settle = async (): Promise<readonly DoneRound[]> => {
    await until('it waits again', () => events.slice(waited).some((one) => one.type === 'waiting'));
    waited = events.length;
    const fresh = rounds.slice(done);
    done = rounds.length;
    return fresh;
  };
  const stop = async () => {
    controller.abort();
    return watching;
  };
  t.after(stop);
  return { rounds, events, settle, until, stop };
}

/** Problems that were shown, by their codes. */
export function codesOf(events: readonly WatchEvent[]): readonly string[] {
  return events.flatMap((one) =>
    one.type === 'problems' ? one.problems.map(({ code }: Problem) => code) : [],
  );
}
