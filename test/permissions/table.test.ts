import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { makePermissionWorld, type PermittedRun, readTable } from '../rig/permission-world.ts';

const runtime = process.versions['deno'] === undefined ? 'node' : 'deno';

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

function check({ lost, isOptional }: Case, run: PermittedRun | undefined): void {
  assert(run !== undefined);
  const { exitCode, stdout, stderr } = run;
  const told = stdout + stderr;
  assert.equal(exitCode, lost === undefined || isOptional === true ? 0 : 2, told);
  if (lost === undefined) {
    assert.doesNotMatch(told, /does not permit/);
    return;
  }
  // What `lint` finds is its result.
  const form =
    isOptional === true ? /^warning\[[a-z/-]+\]:[^[]*does not permit/m : /^error\[system\/permission\]/m;
  assert.match(told, form);
  assert(hasFlag(told, run.fill(lost)), told);
}

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
