/** `bake-ts run` as a process that is watched from outside: its events, its calls of buildctl, and how it ended. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { BakeEvent } from '../../lib/model/mod.ts';
import { bakeTsCommand, DENO_CACHE } from './command.ts';

/** How it ended. */
export interface FaultProcess {
  /** Undefined: it was killed, after the longest time that it may take. */
  readonly exitCode: number | undefined;
  /** Since its first event. */
  readonly tookMs: number;
  readonly events: readonly BakeEvent[];
  readonly stderr: string;
  /** buildctl calls for the same platforms of one build that were seen to run at one time. */
  readonly doubled: readonly string[];
}

/** Looks at the calls of buildctl that often. */
const LOOK_MS = 100;

/**
 * Runs it.
 *
 * @param interruptMs when it gets Ctrl-C, counted from its first event; undefined: never
 * @param longestMs after that it counts as hanging, and is killed
 * @param onBegin called at its first event
 */
export function runFaultProcess(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly interruptMs: number | undefined;
    readonly longestMs: number;
    readonly onBegin?: () => void;
  },
): Promise<FaultProcess> {
  const { cwd, env, interruptMs, longestMs, onBegin } = options;
  const [program = '', ...words] = [...bakeTsCommand(), 'run', '--progress=json', ...args];
  return new Promise((resolve, reject) => {
    let begunAt: number | undefined;
    const child = spawn(program, words, {
      cwd,
      env: { ...process.env, ...DENO_CACHE, NO_COLOR: '1', CI: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const events: BakeEvent[] = [];
    const doubled = new Set<string>();
    let rest = '';
    let stderr = '';
    let isHanging = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) events.push(JSON.parse(line) as BakeEvent);
      if (begunAt !== undefined || events.length === 0) return;
      begunAt = Date.now();
      onBegin?.();
      if (interruptMs !== undefined) timers.push(setTimeout(() => child.kill('SIGINT'), interruptMs));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const look = setInterval(() => {
      for (const one of findDoubled(child.pid ?? 0)) doubled.add(one);
    }, LOOK_MS);
    const timers = [
      setTimeout(() => {
        isHanging = true;
        child.kill('SIGKILL');
      }, longestMs),
    ];
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(look);
      for (const timer of timers) clearTimeout(timer);
      resolve({
        exitCode: isHanging ? undefined : (code ?? undefined),
        tookMs: Date.now() - (begunAt ?? Date.now()),
        events,
        stderr,
        doubled: [...doubled],
      });
    });
  });
}

/** Words of the programs that run, with their parents. */
function programs(): readonly {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const parent = /^\d+ \(.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'));
      const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
      return parent?.[1] === 'Z' || argv.length === 0
        ? []
        : [{ pid: Number(name), parent: Number(parent?.[2]), argv }];
    } catch {
      // It ended.
      return [];
    }
  });
}

function isBuildctl(argv: readonly string[]): boolean {
  return /(^|\/)buildctl$/.test(argv[0] ?? '');
}

/** What calls of buildctl that a process makes have in common with others of it. */
function findDoubled(parent: number): readonly string[] {
  const calls = programs()
    .filter((one) => one.parent === parent && isBuildctl(one.argv) && one.argv.includes('build'))
    .map(({ argv }) =>
      argv.filter((word) => /^(context|dockerfile|platform|local:context|filename)=/.test(word)).join(' '),
    );
  return calls.filter((call, at) => calls.indexOf(call) !== at);
}

/** buildctl calls that run and have to do with these addresses. */
export function buildctlsLeft(addresses: readonly string[]): readonly string[] {
  return programs()
    .filter(({ argv }) => isBuildctl(argv) && argv.some((word) => addresses.includes(word)))
    .map(({ pid, argv }) => `${pid} ${argv.join(' ')}`);
}
