import { stat } from 'node:fs/promises';
import path from 'node:path';
import {
  fail,
  type ImageRef,
  ok,
  type Problem,
  problem,
  type Result,
  readImageRef,
  withDefaultTag,
} from '../../lib/model/mod.ts';
import { selectBuilds } from '../../lib/plan/mod.ts';
import type { Layout } from '../../lib/registry/mod.ts';
import { plainText } from '../../lib/report/mod.ts';
import type { PushedBuild } from '../../lib/run/mod.ts';
import { throwDenied } from '../../lib/util/permission.ts';
import { isSet, type ParsedArgs, textOf } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import { engineOfFile, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { reportProblems, reportStoppable, writeJson } from '../output.ts';
import { planSelected, type SelectedPlan } from '../planned.ts';
import { formatPut, formatTransfer, putToJson, readSignIn, readTarget, withRegistry } from '../registry.ts';
import { withCancellation } from '../signals.ts';
import { withTransferView } from '../transfers.ts';

/** A first argument that is always a path. */
const PATH = /^(?:\.{1,2}$|\.{0,2}\/)/;

/**
 * `bake-ts push`: pushes builds, an image of the engine's store, or one on disk. The first argument decides: a build's
 * name takes precedence, then an existing layout, then a reference. `./x` is always a path.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [first = '', second, third] = args.positionals;
  if (!PATH.test(first)) {
    const named = await namesBuilds(args, io, first);
    if (!named.ok) return reportProblems(named.error, args, io);
    if (named.value) {
      const reference = args.positionals.find((word) => /[/:@]/.test(word));
      if (reference === undefined) return pushBuilds(args, io);
      const hint = `A build is pushed to its tags. To push its image elsewhere, use its name in the engine's store; for a layout write ./${first}.`;
      return reportProblems([unexpected(reference, `beside the build "${first}"`, hint)], args, io);
    }
  }
  if (third !== undefined) {
    const hint = 'Push under one new name at a time; add more with `bake-ts tag`.';
    return reportProblems([unexpected(third, 'here', hint)], args, io);
  }
  if (PATH.test(first) || (await isLayout(path.resolve(io.cwd, first))))
    return pushLayout(args, io, first, second);
  return pushStored(args, io, first, second);
}

function unexpected(word: string, where: string, hint: string): Problem {
  return problem('cli/unexpected-argument', `"push" takes no argument "${word}" ${where}`, { hint });
}

/** Whether a word selects builds. An unreadable builds.yaml is an error only if the word is not the path of a layout. */
async function namesBuilds(args: ParsedArgs, io: Io, word: string): Promise<Result<boolean>> {
  if (/[/:@]/.test(word)) return ok(false);
  const read = await readInputs(args, io);
  const lies = await isLayout(path.resolve(io.cwd, word));
  if (!read.ok && !read.error.every((one) => one.code === 'config/no-file')) return lies ? ok(false) : read;
  const selected = read.ok ? selectBuilds(read.value.set, { patterns: [word] }) : undefined;
  if (selected?.ok === true) return ok(true);
  if (lies) return ok(false);
  const why = selected?.error[0]?.hint;
  return fail([
    problem('cli/nothing-to-push', `"${word}" is not a build, an existing OCI layout or an image reference`, {
      hint: why ?? 'Write REGISTRY/REPOSITORY:TAG for an image of the engine, or the path of a layout.',
    }),
  ]);
}

async function isLayout(file: string): Promise<boolean> {
  const found = await stat(file).catch(throwDenied);
  if (found?.isDirectory() !== true) return found?.isFile() === true;
  return (await stat(path.join(file, 'oci-layout')).catch(() => undefined))?.isFile() === true;
}

/** Pushes an image on disk, under the digest that it has there. */
async function pushLayout(
  args: ParsedArgs,
  io: Io,
  source: string,
  written: string | undefined,
): Promise<ExitCode> {
  if (written === undefined) {
    const missing = problem('cli/missing-argument', 'a layout needs a name to push it to', {
      hint: `Write \`bake-ts push ${source} REGISTRY/REPOSITORY:TAG\`.`,
    });
    return reportProblems([missing], args, io);
  }
  const to = readTarget(written, undefined);
  if (!to.ok) return reportProblems(to.error, args, io);
  const { openLayout } = await import('../../lib/registry/mod.ts');
  const layout = await openLayout(path.resolve(io.cwd, source), source);
  if (!layout.ok) return reportProblems(layout.error, args, io);
  return pushImage(args, io, to.value, async () => layout);
}

/** Pushes an image of the engine's store, by its name there. */
async function pushStored(
  args: ParsedArgs,
  io: Io,
  written: string,
  other: string | undefined,
): Promise<ExitCode> {
  const from = readImageRef(written);
  if (!from.ok) return reportProblems(from.error, args, io);
  const to = other === undefined ? ok(withDefaultTag(from.value)) : readTarget(other, from.value);
  if (!to.ok) return reportProblems(to.error, args, io);
  const { findEngine } = await import('../../lib/engine/mod.ts');
  const { findStoredRef } = await import('../../lib/run/mod.ts');
  const address = textOf(args, 'addr');
  return pushImage(args, io, to.value, async (signal) => {
    const engine = await findEngine({
      env: io.env,
      autoStart: true,
      signal,
      ...(address === undefined ? {} : { flagAddress: address }),
      ...(await engineOfFile(args, io)),
    });
    if (!engine.ok) return engine;
    const found = await findStoredRef(engine.value, from.value, { env: io.env, signal });
    if (!found.ok) return found;
    const { image, builtAt } = found.value;
    if (builtAt !== undefined)
      io.stderr.write(`${image.written} comes from the engine's history: built ${builtAt}\n`);
    return ok(image);
  });
}

async function pushImage(
  args: ParsedArgs,
  io: Io,
  to: ImageRef,
  open: (signal: AbortSignal) => Promise<Result<Layout>>,
): Promise<ExitCode> {
  return withRegistry(args, io, [to], async (client, signal) => {
    const image = await open(signal);
    if (!image.ok) return image.error;
    const pushed = await withTransferView('pushing', args, io, (onBlob) =>
      client.pushLayout(image.value, to, { onBlob }),
    );
    if (!pushed.ok) return pushed.error;
    io.stderr.write(formatTransfer(pushed.value));
    if (isSet(args, 'json')) writeJson(putToJson(pushed.value), io);
    else io.stdout.write(formatPut(pushed.value));
    return [];
  });
}

/** Pushes the last results of builds of builds.yaml to their tags. */
async function pushBuilds(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { plan, dockerfiles, warnings } = planned.value;
  reportProblems(warnings, args, io);
  const targets = askedNodes(planned.value).flatMap(({ build }) =>
    build.tags.flatMap((tag) => tag.ref ?? []),
  );
  const signIn = targets.length === 0 ? ok(undefined) : await readSignIn(args, io, targets);
  if (!signIn.ok) return reportProblems(signIn.error, args, io);
  const { pushBuilds: push } = await import('../../lib/run/mod.ts');
  const address = textOf(args, 'addr');
  return withCancellation(io, async ({ signal }) => {
    const { builds, problems } = await withTransferView('pushing', args, io, (onBlob) =>
      push({
        plan,
        dockerfiles,
        env: io.env,
        signal,
        onBlob,
        hostArchitecture: io.architecture,
        emit: (event) => {
          if (event.type === 'warning')
            io.stderr.write(`${plainText(`warning[${event.problem.code}]: ${event.problem.message}`)}\n`);
        },
        ...(address === undefined ? {} : { address }),
        ...(signIn.value === undefined ? {} : { signIn: signIn.value }),
      }),
    );
    if (isSet(args, 'json')) writeJson({ builds }, io);
    else for (const one of builds) showBuild(one, io);
    return reportStoppable(problems, signal, args, io);
  });
}

function askedNodes({ plan }: SelectedPlan) {
  return [...plan.nodes.values()].filter((node) => node.role === 'asked');
}

function showBuild({ build, result, digest, builtAt, tags }: PushedBuild, io: Io): void {
  if (result === 'untagged') io.stderr.write(`${build} has no tags and is skipped\n`);
  const when = builtAt === undefined ? '' : `, built ${builtAt}`;
  for (const { ref, action } of tags) {
    io.stdout.write(`${ref}  ${digest}  (${action === 'there' ? 'already there' : 'pushed'}${when})\n`);
  }
}
