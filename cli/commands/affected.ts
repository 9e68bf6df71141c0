import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { AffectedBuild, AffectedOptions } from '../../lib/inspect/mod.ts';
import { problem } from '../../lib/model/mod.ts';
import { plainText } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import { type Comparison, findDefinition, readBuildsBefore } from '../builds-before.ts';
import { type ExitCode, exitCodeOfSignal } from '../exit-codes.ts';
import { changedFiles, fileAt, openGitState } from '../git.ts';
import { selectionOf } from '../inputs.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { planSelected } from '../planned.ts';
import { withCancellation } from '../signals.ts';

/** `bake-ts affected`: names on stdout, one a line, for the matrix of a CI system. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const since = textOf(args, 'since');
  if (since === undefined) {
    return reportProblems(
      [
        problem('cli/missing-value', '"affected" needs --since', {
          hint: 'write --since main (or --since main... for what a branch changed since it left main)',
        }),
      ],
      args,
      io,
    );
  }
  const { patterns, ...selection } = selectionOf(args);
  // Without names everything counts, not only the group `default`: a change may touch any build.
  const planned = await planSelected(args, io, {
    ...selection,
    patterns: patterns.length === 0 ? ['*'] : patterns,
  });
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { plan, dockerfiles, warnings, missing } = planned.value;
  // Builds whose Dockerfiles cannot be read are listed; that they cannot be built is said all the same.
  const code = reportProblems([...warnings, ...missing], args, io);
  return withCancellation(io, async ({ signal, stoppedBy }) => {
    const state = await openGitState(io.cwd, io.env, since, signal);
    if (!state.ok) return reportProblems(state.error, args, io);
    const changed = await changedFiles(state.value, io.env, signal);
    if (!changed.ok) return reportProblems(changed.error, args, io);
    const cwd = await realpath(io.cwd);
    const comparison: Comparison = { state: state.value, changed: changed.value, args, io, cwd };
    const { findAffected } = await import('../../lib/inspect/mod.ts');
    const found = await findAffected({
      plan,
      dockerfiles,
      env: io.env,
      hostArchitecture: io.architecture,
      signal,
      changed: changed.value,
      ...(await readBefore(plan.set, comparison)),
    });
    const stopped = stoppedBy();
    if (stopped !== undefined) return exitCodeOfSignal(stopped);
    if (!found.ok) return reportProblems([found.error], args, io);
    const shown = found.value.map((one) => withShortPaths(one, state.value.top));
    if (isSet(args, 'json')) {
      writeJson(
        { version: 1, since, commit: state.value.commit, files: changed.value.length, builds: shown },
        io,
      );
      return code;
    }
    for (const one of shown) {
      if (one.role !== 'asked') continue;
      io.stdout.write(`${one.build}\n`);
      if (isSet(args, 'verbose'))
        for (const { text } of one.reasons) io.stdout.write(`  ${plainText(text)}\n`);
    }
    return code;
  });
}

/** What builds.yaml and builds.lock said before, where one of them changed. */
async function readBefore(
  set: AffectedOptions['plan']['set'],
  comparison: Comparison,
): Promise<Pick<AffectedOptions, 'before' | 'lockBefore'>> {
  const { state, changed, args, io, cwd } = comparison;
  if (changed.length === 0) return {};
  const definition = await findDefinition(set, args, cwd);
  const isTouched = definition.readsUnknown || changed.some((file) => definition.files.has(file));
  const { LOCK_NAME, parseLock } = await import('../../lib/lock/mod.ts');
  const lockFile = path.join(await realpath(set.root), LOCK_NAME);
  const lockText = changed.includes(lockFile) ? await fileAt(state, io.env, lockFile) : undefined;
  const lock =
    lockText === undefined
      ? undefined
      : await parseLock({ path: LOCK_NAME, text: new TextDecoder().decode(lockText) });
  return {
    ...(isTouched ? { before: { set: await readBuildsBefore(definition, comparison) } } : {}),
    ...(changed.includes(lockFile)
      ? { lockBefore: { lock: lock?.ok === true ? lock.value : undefined } }
      : {}),
  };
}

/** Paths as git shows them. */
function withShortPaths(one: AffectedBuild, top: string): AffectedBuild {
  const reasons = one.reasons.map((reason) =>
    reason.path === undefined ? reason : { ...reason, path: path.relative(top, reason.path) },
  );
  return { ...one, reasons };
}
