/**
 * The files that `run` makes of its events where they are asked for: `--trace`, `--junit`, `--dotenv`. All are made of one timeline, when the
 * run has ended, however it ended.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Problem, problem } from '../lib/model/mod.ts';
import { describeFileFault, writeNamedFile } from '../lib/system/mod.ts';
import type { RunTimeline, TimelineMaker } from '../lib/timeline/mod.ts';
import { type ParsedArgs, textOf } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';

type Timeline = typeof import('../lib/timeline/mod.ts');

/** A kind of file. */
interface FileKind {
  readonly option: string;
  /** For messages. */
  readonly name: string;
  readonly make: (run: RunTimeline, timeline: Timeline) => string | Promise<string>;
  /** What such a file cannot hold of the run. */
  readonly findLeft?: (run: RunTimeline, file: string) => Promise<readonly Problem[]>;
}

const KINDS: readonly FileKind[] = [
  { option: 'trace', name: 'the trace', make: (run, { formatTrace }) => formatTrace(run) },
  { option: 'junit', name: 'the JUnit report', make: (run, { formatJunit }) => formatJunit(run) },
  { option: 'dotenv', name: 'the dotenv file', make: makeDotenv, findLeft: findLeftOfDotenv },
];

async function makeDotenv(run: RunTimeline): Promise<string> {
  const { formatDotenv } = await import('../lib/ci/mod.ts');
  return formatDotenv(run).text;
}

async function findLeftOfDotenv(run: RunTimeline, file: string): Promise<readonly Problem[]> {
  const { formatDotenv } = await import('../lib/ci/mod.ts');
  const { left } = formatDotenv(run);
  if (left.length === 0) return [];
  return [
    problem('run/dotenv-full', `the dotenv file ${file} has no variable for ${left.join(', ')}`, {
      severity: 'warning',
      hint: 'GitLab takes 20 variables and less than 5 KiB, named with letters, digits and _: name fewer builds, or keep --metadata-file as an artifact and read digests from it',
    }),
  ];
}

interface AskedFile extends FileKind {
  /** As it was written. */
  readonly file: string;
  /** Absolute. */
  readonly target: string;
}

/**
 * What is wrong with the files that are asked for, as far as that can be known before a run. Problems: `cli/unwritable-file`,
 * `cli/conflict`.
 */
export async function checkRunFiles(args: ParsedArgs, io: Io): Promise<readonly Problem[]> {
  const asked = askedFiles(args, io);
  const problems = (await Promise.all(asked.map(checkFile))).flat();
  asked.forEach((one, at) => {
    const other = asked.slice(0, at).find(({ target }) => target === one.target);
    if (other === undefined) return;
    problems.push(
      problem('cli/conflict', `--${other.option} and --${one.option} name the same file`, {
        hint: 'give each of them a file of its own',
      }),
    );
  });
  return problems;
}

/** A reader that writes what was asked for when it is closed (`run/file-unwritten`); none where nothing was. */
export async function openRunFiles(args: ParsedArgs, io: Io): Promise<readonly EventReader[]> {
  const asked = askedFiles(args, io);
  return asked.length === 0 ? [] : [readerOf(asked, await import('../lib/timeline/mod.ts'))];
}

function askedFiles(args: ParsedArgs, io: Io): readonly AskedFile[] {
  return KINDS.flatMap((kind): AskedFile[] => {
    const file = textOf(args, kind.option);
    return file === undefined ? [] : [{ ...kind, file, target: path.resolve(io.cwd, file) }];
  });
}

function readerOf(asked: readonly AskedFile[], timeline: Timeline): EventReader {
  const maker: TimelineMaker = timeline.createTimeline();
  return {
    name: asked.map(({ name }) => name).join(' and '),
    onEvent: maker.take,
    close: async () => {
      const run = maker.timeline();
      const written = await Promise.all(asked.map((one) => writeOne(one, run, timeline)));
      return written.flat();
    },
  };
}

async function writeOne(one: AskedFile, run: RunTimeline, timeline: Timeline): Promise<readonly Problem[]> {
  const text = await one.make(run, timeline);
  try {
    await writeNamedFile(one.target, text);
    return (await one.findLeft?.(run, one.file)) ?? [];
  } catch (error) {
    const why = await describeFileFault(error, one.target);
    return [
      problem('run/file-unwritten', `${one.name} ${one.file} cannot be written (${why})`, {
        hint: hintOf(one),
        ...(error instanceof Error ? { detail: error.message } : {}),
      }),
    ];
  }
}

/** Looks before the run whether the file could be written now; what is asked of a disk later is seen then. */
async function checkFile(one: AskedFile): Promise<Problem[]> {
  try {
    const there = await stat(one.target).catch(() => undefined);
    if (there?.isDirectory() === true) return [unwritable(one, 'EISDIR')];
    if (there !== undefined) await access(one.target, constants.W_OK);
    // With its slash, so that an ordinary file is none.
    else await access(`${path.dirname(one.target)}${path.sep}`, constants.W_OK);
    return [];
  } catch (error) {
    return [unwritable(one, await describeFileFault(error, one.target))];
  }
}

function unwritable(one: AskedFile, why: string): Problem {
  return problem('cli/unwritable-file', `${one.name} ${one.file} cannot be written: ${why}`, {
    hint: hintOf(one),
  });
}

function hintOf({ option }: FileKind): string {
  return `give --${option} a path in a directory that exists, has room, and that you may write to`;
}
