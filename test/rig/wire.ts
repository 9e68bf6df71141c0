/**
 * A wire between a machine of the tests and its bridge, on which packets are late and get lost: `.ci/wire`, a program, since not every
 * kernel has netem. It runs in a network namespace of its own, where nobody has an address that would answer in place of the machine.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How packets fare on a wire, in each direction; they arrive in their order. */
export interface WireQuality {
  readonly delayMs?: number;
  /** The delay is up to so much more or less, at random. */
  readonly jitterMs?: number;
  /** Of a hundred packets. */
  readonly lossPercent?: number;
}

/** What a wire has done up to now. */
export interface WireCount {
  readonly forwarded: number;
  readonly lost: number;
}

/** A wire that is in place. */
export interface Wire {
  /** For packets that come from now on. */
  set(quality: WireQuality): Promise<WireCount>;
}

const dir = process.env['BAKE_TS_TEST_WIRE'] ?? '';

/** Why there are no wires here; false: there are. They take machines, too. */
export const wireSkip: string | false = dir === '' ? 'no wire: npm test compiles it' : false;

/**
 * Puts a wire between a machine and its bridge. The port of the bridge has the name that it had.
 *
 * @param namespace of the machine, whose interface is `eth0` there; the port has the same name
 */
export async function layWire(namespace: string, bridge: string, seed: number): Promise<Wire> {
  const program = path.join(dir, 'wire');
  const own = `${namespace}w`;
  await run('ip', ['netns', 'add', own]);
  await run('ip', ['link', 'set', namespace, 'netns', own, 'name', 'inner']);
  await run('ip', ['link', 'add', namespace, 'type', 'veth', 'peer', 'name', 'outer', 'netns', own]);
  await run(program, ['plain', namespace]);
  await run('ip', ['netns', 'exec', namespace, program, 'plain', 'eth0']);
  for (const name of ['inner', 'outer'])
    await run('ip', ['-n', own, 'link', 'set', name, 'addrgenmode', 'none', 'up']);
  const child = spawn('ip', ['netns', 'exec', own, program, 'join', 'inner', 'outer', String(seed)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const answers = answersOf(child);
  const set = async ({ delayMs = 0, jitterMs = 0, lossPercent = 0 }: WireQuality): Promise<WireCount> => {
    child.stdin.write(`${delayMs} ${jitterMs} ${lossPercent}\n`);
    const [forwarded = 0, lost = 0] = (await answers()).split(' ').map(Number);
    return { forwarded, lost };
  };
  await set({});
  await run('ip', ['link', 'set', namespace, 'master', bridge, 'up']);
  return { set };
}

/** Gives a function that waits for the next line, and says why there is none. */
function answersOf(child: ChildProcess): () => Promise<string> {
  const lines: string[] = [];
  const waiting: { readonly resolve: (line: string) => void; readonly reject: (why: Error) => void }[] = [];
  let stderr = '';
  let ended: Error | undefined;
  const end = (why: string): void => {
    ended ??= new Error(`the wire is gone: ${why}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.stdin?.on('error', () => {});
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.on('error', (error) => end(error.message));
  child.on('close', () => end(stderr.trim()));
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const next = waiting.shift();
      if (next === undefined) lines.push(line);
      else next.resolve(line);
    });
  return () =>
    new Promise((resolve, reject) => {
      const line = lines.shift();
      if (line !== undefined) resolve(line);
      else if (ended !== undefined) reject(ended);
      else waiting.push({ resolve, reject });
    });
}
