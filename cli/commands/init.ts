import type { Repository, Source } from '../../lib/convert/mod.ts';
import { parseImageRef } from '../../lib/model/mod.ts';
import { plainText } from '../../lib/report/mod.ts';
import { isCi } from '../../lib/util/is-ci.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode, exitCodeOfSignal } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import type { Prompt } from '../prompt.ts';
import { withSchemaLine } from '../schema-line.ts';
import { withHardStop } from '../signals.ts';
import { askForFile, reportKept, writeNotes, writeResult } from '../write-file.ts';

/**
 * `bake-ts init`: writes a first builds.yaml from the bake or Compose file of the working directory and the Dockerfiles
 * below it.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  return withHardStop(io, () => propose(args, io));
}

async function propose(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { findSources, proposeBuilds, readRepository, readSource } = await import('../../lib/convert/mod.ts');
  const target = textOf(args, 'output') ?? 'builds.yaml';
  const leave = await askForFile(target, args, io);
  if (leave === 'refused') return reportKept(target, args, io);
  const repository = await readRepository(io.cwd);
  const { source, remarks } = await readSource(findSources(io.cwd));
  for (const remark of remarks) io.stderr.write(`${remark}\n`);
  const choices = await askChoices(repository, source, target, io);
  if (choices === undefined) {
    io.stderr.write('nothing was written\n');
    return exitCodeOfSignal('SIGINT');
  }
  const proposed = proposeBuilds(repository, { ...choices, ...(source === undefined ? {} : { source }) });
  if (!proposed.ok) return reportProblems(proposed.error, args, io);
  const { yaml, notes, origin } = proposed.value;
  io.stderr.write(`made from ${origin}\n`);
  const code = await writeResult(withSchemaLine(yaml, target, io), target, args, io, leave === 'over');
  if (code === EXIT.ok) writeNotes(notes, args, io);
  return code;
}

interface Choices {
  readonly registry?: string;
  readonly push?: boolean;
  readonly leaveOut?: ReadonlySet<string>;
}

/** Asks for what no file contains; without a terminal, uses the defaults. Undefined: the user cancelled. */
async function askChoices(
  repository: Repository,
  source: Source | undefined,
  target: string,
  io: Io,
): Promise<Choices | undefined> {
  const { candidatesOf, unclearOf } = await import('../../lib/convert/mod.ts');
  const candidates = candidatesOf(repository, source);
  const isPiped = target === '-' && io.stdout.isTTY !== true;
  // A bake or Compose file already says where its images go.
  if (candidates.length === 0 || isCi(io.env) || isPiped) return {};
  const prompt = await io.openPrompt?.();
  if (prompt === undefined) return {};
  try {
    const leaveOut = await askLeftOut(prompt, unclearOf(candidates), io);
    if (leaveOut === undefined) return undefined;
    if (leaveOut.size === candidates.length) return { leaveOut };
    const registry = await askRegistry(prompt, io);
    if (registry === undefined) return undefined;
    const push = await askLine(prompt, 'Push the images after building? [Y/n] ');
    return push === undefined ? undefined : { leaveOut, registry, push: !/^n(?:o)?$/i.test(push) };
  } finally {
    prompt.close();
  }
}

async function askLine(prompt: Prompt, question: string): Promise<string | undefined> {
  const answer = await prompt.ask(question);
  return answer.kind === 'line' ? answer.text.trim() : undefined;
}

async function askRegistry(prompt: Prompt, io: Io): Promise<string | undefined> {
  for (;;) {
    const line = await askLine(prompt, 'Registry, with an owner where it has some [localhost:5000]: ');
    if (line === undefined) return undefined;
    const registry = line === '' ? 'localhost:5000' : line.replace(/^https?:\/\//, '').replace(/\/+$/, '');
    if (parseImageRef(`${registry}/name:tag`) !== undefined) return registry;
    io.stderr.write(`"${line}" cannot start an image name; valid is for example ghcr.io/acme\n`);
  }
}

/** Asks which of the Dockerfiles that may not make an image to exclude. */
async function askLeftOut(
  prompt: Prompt,
  unclear: readonly string[],
  io: Io,
): Promise<ReadonlySet<string> | undefined> {
  if (unclear.length === 0) return new Set();
  const rows = unclear.map((path, at) => `  ${at + 1}  ${path}\n`).join('');
  io.stderr.write(`These may be Dockerfiles of tests, examples or tools:\n${rows}`);
  for (;;) {
    const line = await askLine(prompt, 'Which ones to exclude? Numbers, "all", or Enter for none: ');
    if (line === undefined) return undefined;
    if (line === 'all') return new Set(unclear);
    const words = line.split(/[\s,]+/).filter((word) => word !== '');
    const paths = words.flatMap((word) => (/^\d+$/.test(word) ? (unclear[Number(word) - 1] ?? []) : []));
    if (paths.length === words.length) return new Set(paths);
    const wrong = words.find((word) => !/^\d+$/.test(word) || unclear[Number(word) - 1] === undefined);
    const numbers = unclear.length === 1 ? 'the number 1' : `a number from 1 to ${unclear.length}`;
    io.stderr.write(`"${plainText(wrong ?? line)}" is neither ${numbers} nor "all"\n`);
  }
}
