/** The runtimes that people have, to run with each of them what is handed out; they are there where a test asks for them by this file. */
import path from 'node:path';
import process from 'node:process';
import { compiled } from './paths.ts';

/** How a program is started with a runtime, before its file. */
export interface TestRuntime {
  readonly name: string;
  readonly command: readonly string[];
  /** The same for a program on standard input. */
  readonly fromStdin: readonly string[];
}

const bin = process.env['BAKE_TS_TEST_RUNTIMES'] ?? '';
const node24 = path.join(bin, 'node');
const deno = path.join(bin, 'deno');

/** The Node that runs the tests, Node 24 and Deno. */
export const testRuntimes: readonly TestRuntime[] = [
  ...[
    { name: 'this Node', node: process.execPath },
    { name: 'Node 24', node: node24 },
  ].map(({ name, node }) => ({
    name,
    command: [node],
    fromStdin: [node, '--input-type=module', '-'],
  })),
  { name: 'Deno', command: [deno, 'run', '-A'], fromStdin: [deno, 'run', '-A', '-'] },
];

/** The programs themselves. */
export const runtimeFiles: Readonly<Record<'node' | 'node24' | 'deno', string>> = {
  node: process.execPath,
  node24,
  deno,
};

/** Why what was compiled and bundled cannot be tried here; false: it can. */
export const handedOutSkip: false | string =
  compiled && bin !== '' ? false : 'tries what is compiled: node .ci/test.mjs --runtime node';
