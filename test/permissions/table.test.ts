import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { declareCli } from '../../cli/declare.ts';
import { makePermissionWorld, type PermittedRun, readTable } from '../rig/permission-world.ts';

const runtime = process.versions['deno'] === undefined ? 'node' : 'deno';

/**
 * Where a command ends otherwise than well for want of other things: the engine here answers and is none, so that there is no image to
 * compare, nothing that it says of itself, and no embedded engine. What it takes to come that far was permitted.
 */
const OTHER_ENDS: Readonly<Record<string, readonly number[]>> = {
  verify: [1],
  'engine status': [5],
  'engine logs': [5],
  'engine up': [5],
  'engine doctor': [5],
  'engine install --from path': [0, 5],
  'engine upgrade --check': [5],
};

/** A command with some of its flags, and how it has to end. */
interface Case {
  readonly name: string;
  readonly command: string;
  readonly flags: readonly string[];
  /** Undefined: nothing is missing. */
  readonly lost?: string;
  readonly isOptional?: boolean;
}

test('docs/permissions.md has the least that commands need, and what is missing is said', async (t) => {
  const rows = await readTable(runtime);
  assert(rows.length > 10);
  const cases = rows.flatMap(({ commands, flags, optional }): readonly Case[] => {
    const [first = ''] = commands;
    return [
      ...commands.map((command) => ({ name: `${command} works`, command, flags: [...flags, ...optional] })),
      ...lessOf(flags).map(({ less, lost }) => {
        return { name: `${first} without ${lost}`, command: first, flags: [...less, ...optional], lost };
      }),
      ...lessOf(optional).map(({ less, lost }) => {
        return {
          name: `${first} goes on without ${lost}`,
          command: first,
          flags: [...flags, ...less],
          lost,
          isOptional: true,
        };
      }),
    ];
  });
  const world = await makePermissionWorld(t);
  const queue = [...cases];
  const runs = new Map<Case, PermittedRun>();
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift())
      runs.set(one, await world.run(one.flags, one.command));
  };
  await Promise.all([work(), work(), work()]);
  for (const one of cases) await t.test(one.name, () => check(one, runs.get(one)));
});

function check({ command, lost, isOptional }: Case, run: PermittedRun | undefined): void {
  assert(run !== undefined);
  const { exitCode, stdout, stderr } = run;
  const told = stdout + stderr;
  const isPermitted = lost === undefined || isOptional === true;
  const ends = isPermitted ? (OTHER_ENDS[command] ?? [0]) : [2];
  assert(exitCode !== undefined && ends.includes(exitCode), `${exitCode}: ${told}`);
  if (lost === undefined) {
    assert.doesNotMatch(told, /does not permit/);
    return;
  }
  // What `lint` finds is its result.
  const form =
    isOptional === true ? /^warning\[[a-z/-]+\]:[^[]*does not permit/m : /^error\[system\/permission\]/m;
  assert.match(told, form);
  // What is all of it is asked for part by part.
  if (lost !== '-A') assert(hasFlag(told, run.fill(lost)), told);
}

test('every command of the command line is in the table', async () => {
  const rows = await readTable('deno');
  const named = new Set(rows.flatMap(({ commands }) => commands.map((one) => one.split(/ (?=[-A-Z.])/)[0])));
  const declared = declareCli().commands.map(({ name }) => name);
  assert(declared.length > 30);
  const missing = declared.filter(
    (name) => ![...named].some((one) => one === name || one?.startsWith(`${name} `)),
  );
  assert.deepEqual(missing, []);
});

/** Flags without one of their values, for each value. */
function lessOf(
  flags: readonly string[],
): readonly { readonly less: readonly string[]; readonly lost: string }[] {
  return flags.flatMap((flag, at) => {
    const [name = '', list] = flag.split('=');
    const values = list?.split(',') ?? [];
    if (values.length === 0) return [{ less: flags.toSpliced(at, 1), lost: flag }];
    return values.map((value) => {
      const rest = values.filter((one) => one !== value).join(',');
      return {
        less: flags.toSpliced(at, 1, ...(rest === '' ? [] : [`${name}=${rest}`])),
        lost: `${name}=${value}`,
      };
    });
  });
}

/** Whether the flag is told as it is to be typed, be it for something in the directory that was taken away. */
function hasFlag(told: string, lost: string): boolean {
  const [name, value] = lost.split('=');
  return told.split(/\s+/).some((word) => {
    const [said, list] = word.split('=');
    return (
      said === name &&
      (value === undefined ||
        list?.split(',').some((one) => one === value || one.startsWith(`${value}/`)) === true)
    );
  });
}
