/**
 * A buildctl that obeys the test: an executable that logs each call and then speaks, fails, hangs or waits as the
 * rules say. For injected faults and fast tests; what BuildKit really does is tested with the real engine.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { repoPath } from './paths.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** What a call does. The first rule that fits counts; a call that fits none succeeds with a made-up digest. */
export interface FakeRule {
  /** Texts that must all occur in the arguments (joined by line breaks). */
  readonly when?: readonly string[];
  /** How many calls may take this rule; then later rules get their turn. */
  readonly times?: number;
  /** rawjson objects, one line of standard error each. */
  readonly progress?: readonly unknown[];
  /** Text on standard error after the progress, as it is. */
  readonly stderr?: string;
  readonly stdout?: string;
  /** Content of the metadata file; `false` writes none. Never written where the call fails. */
  readonly metadata?: Readonly<Record<string, unknown>> | false;
  readonly exitCode?: number;
  readonly delayMs?: number;
  /** Waits, after the progress, until the test calls `release` with this word. */
  readonly holdUntil?: string;
  /** Never ends by itself, but obeys signals as buildctl does. */
  readonly hang?: boolean;
  /** SIGTERM and SIGINT do nothing. */
  readonly ignoreSignals?: boolean;
  /** Kills itself. */
  readonly dieBy?: 'SIGKILL' | 'SIGSEGV';
  /** Environment variables to note down. */
  readonly logEnv?: readonly string[];
}

/** A call that was made. */
export interface FakeCall {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly pid: number;
  /** Index of the rule that was used; -1: none fitted. */
  readonly rule: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly atMs: number;
}

/** Handle on a fake buildctl. */
export interface FakeBuildctl {
  /** Absolute path of the executable. */
  readonly path: string;
  /** Replaces the rules; calls already running keep theirs. */
  setRules(rules: readonly FakeRule[]): Promise<void>;
  /** Calls so far, in the order they started. */
  calls(): Promise<readonly FakeCall[]>;
  /** Waits until that many calls have started; fails after ten seconds. */
  waitForCalls(count: number): Promise<readonly FakeCall[]>;
  /** Lets the calls go on that are held by this word. */
  release(word: string): Promise<void>;
  /** `PID SIGNAL` of each signal that reached a call that obeys signals. */
  signals(): Promise<readonly string[]>;
}

/** Makes a fake buildctl in a directory of its own, which is removed after the test. */
export async function makeFakeBuildctl(t: Cleanup, rules: readonly FakeRule[] = []): Promise<FakeBuildctl> {
  const dir = await makeTempDir(t, 'fake-buildctl-');
  const executable = path.join(dir, 'buildctl');
  const player = pathToFileURL(repoPath('test/rig/fake-buildctl.mjs')).href;
  // No extension, so CommonJS: a dynamic import is what works there on every Node.
  const script = `#!/usr/bin/env node\nimport(${JSON.stringify(player)}).then((fake) => fake.play(${JSON.stringify(dir)}));\n`;
  await writeFile(executable, script, { mode: 0o755 });

  const setRules = async (next: readonly FakeRule[]): Promise<void> => {
    const draft = path.join(dir, 'rules.json.new');
    await writeFile(draft, JSON.stringify(next));
    await rename(draft, path.join(dir, 'rules.json'));
  };
  const readLines = async (name: string): Promise<string[]> => {
    const text = await readFile(path.join(dir, name), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };
  const calls = async (): Promise<FakeCall[]> =>
    (await readLines('calls.jsonl')).map((line) => JSON.parse(line) as FakeCall);

  await setRules(rules);
  return {
    path: executable,
    setRules,
    calls,
    async waitForCalls(count) {
      for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 10) {
        const seen = await calls();
        if (seen.length >= count) return seen;
        await sleep(10);
      }
      throw new Error(
        `buildctl was not called ${count} times within 10 s, but ${(await calls()).length} times`,
      );
    },
    async release(word) {
      await writeFile(path.join(dir, `released-${word}`), '');
    },
    signals: () => readLines('signals.log'),
  };
}
