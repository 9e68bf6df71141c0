/**
 * The files that `run` writes on request: `--report`, `--trace`, `--junit`, `--dotenv`. All are made from one timeline
 * after the run has ended, however it ended.
 */
import { accessSync, constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type EventSink, type Problem, problem } from '../lib/model/mod.ts';
import { describeFileFault, findMissing, holdPipe, writeNamedFile } from '../lib/system/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import { missingPermissions } from '../lib/util/permission.ts';
import { rerunOf } from './again.ts';
import { isSet, type ParsedArgs, textOf } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';
import type { ReadRun, TimelineOf } from './shared-timeline.ts';

/** Makes one file of a run. */
interface FileMaker {
  /** Receives each event; absent: the timeline is enough. */
  readonly onEvent?: EventSink;
  readonly make: (run: RunTimeline) => string | Promise<string>;
  /** Problems about parts of the run that the file cannot hold. */
  readonly findLeft?: (run: RunTimeline, file: string) => readonly Problem[];
}

/** A kind of file. */
interface FileKind {
  readonly option: string;
  /** For messages. */
  readonly name: string;
  /** Loads what makes it. */
  readonly open: (run: ReadRun) => Promise<FileMaker>;
}

const KINDS: readonly FileKind[] = [
  { option: 'report', name: 'the report page', open: openPage },
  {
    option: 'trace',
    name: 'the trace',
    open: async () => ({ make: (await import('../lib/timeline/mod.ts')).formatTrace }),
  },
  {
    option: 'junit',
    name: 'the JUnit report',
    open: async () => ({ make: (await import('../lib/timeline/mod.ts')).formatJunit }),
  },
  { option: 'dotenv', name: 'the dotenv file', open: openDotenv },
];

/** Options that name such a file. */
export const RUN_FILE_OPTIONS: readonly string[] = KINDS.map(({ option }) => option);

async function openDotenv(): Promise<FileMaker> {
  const { formatDotenv } = await import('../lib/ci/mod.ts');
  return {
    make: (run) => formatDotenv(run).text,
    findLeft: (run, file) => {
      const { left } = formatDotenv(run);
      if (left.length === 0) return [];
      return [
        problem('run/dotenv-full', `the dotenv file ${file} has no variable for ${left.join(', ')}`, {
          severity: 'warning',
          hint: 'GitLab accepts 20 variables and less than 5 KiB, named with letters, digits and _. Name fewer builds, or keep --metadata-file as an artifact and read digests from it.',
        }),
      ];
    },
  };
}

async function openPage({ args, io, variables }: ReadRun): Promise<FileMaker> {
  const [{ collectLogs, renderPage }, { keptRunsDirectory }, { previousBuilds }] = await Promise.all([
    import('../lib/page/mod.ts'),
    import('./kept-run.ts'),
    import('./previous-builds.ts'),
  ]);
  const logs = collectLogs();
  return {
    onEvent: logs.onEvent,
    make: async (run) =>
      renderPage(run, {
        logs: logs.logs(),
        rerun: rerunOf(args, run, variables),
        previous: isSet(args, 'untrusted')
          ? new Map()
          : await previousBuilds(await keptRunsDirectory(args, io), run),
      }),
  };
}

/** A file named by an option. */
interface NamedFile extends Pick<FileKind, 'option' | 'name'> {
  /** As written. */
  readonly file: string;
  /** Absolute. */
  readonly target: string;
}

type AskedFile = FileKind & NamedFile;

/** Problems of the requested files that can be found before a run. Problems: `cli/unwritable-file`, `cli/conflict`. */
export async function checkRunFiles(args: ParsedArgs, io: Io): Promise<readonly Problem[]> {
  const asked = askedFiles(args, io);
  const problems = (await Promise.all(asked.map(checkFile))).flat();
  asked.forEach((one, at) => {
    const other = asked.slice(0, at).find(({ target }) => target === one.target);
    if (other === undefined) return;
    problems.push(
      problem('cli/conflict', `--${other.option} and --${one.option} name the same file`, {
        hint: 'Give each of them its own file.',
      }),
    );
  });
  return problems;
}

/** The named pipes among the files of a run, held open until it has ended. */
export interface HeldPipes {
  /** `cli/unwritable-file` */
  readonly problems: readonly Problem[];
  readonly release: () => Promise<void>;
}

/** Opens the named pipes before the run, so that a pipe without a reader is reported in time. */
export async function holdPipes(args: ParsedArgs, io: Io): Promise<HeldPipes> {
  const releases: (() => Promise<void>)[] = [];
  const problems: Problem[] = [];
  const metadata = textOf(args, 'metadata-file');
  const asked = [
    ...askedFiles(args, io),
    ...(metadata === undefined
      ? []
      : [
          {
            option: 'metadata-file',
            name: 'the metadata file',
            file: metadata,
            target: path.resolve(io.cwd, metadata),
          },
        ]),
  ];
  for (const one of asked) {
    try {
      const release = await holdPipe(one.target);
      if (release !== undefined) releases.push(release);
    } catch (error) {
      problems.push(unwritable(one, await describeFileFault(error, one.target)));
    }
  }
  return {
    problems,
    release: async () => {
      await Promise.all(releases.splice(0).map((release) => release()));
    },
  };
}

/** A reader that writes the requested files on close (`run/file-unwritten`); none if nothing was requested. */
export async function openRunFiles(run: ReadRun): Promise<readonly EventReader[]> {
  const asked = askedFiles(run.args, run.io);
  if (asked.length === 0) return [];
  const timelineOf = await run.timeline.open();
  const makers = await Promise.all(asked.map(async (one) => ({ ...one, ...(await one.open(run)) })));
  return [readerOf(makers, timelineOf)];
}

function askedFiles(args: ParsedArgs, io: Io): readonly AskedFile[] {
  return KINDS.flatMap((kind): AskedFile[] => {
    const file = textOf(args, kind.option);
    return file === undefined ? [] : [{ ...kind, file, target: path.resolve(io.cwd, file) }];
  });
}

type OpenFile = AskedFile & FileMaker;

function readerOf(files: readonly OpenFile[], timelineOf: TimelineOf): EventReader {
  return {
    name: files.map(({ name }) => name).join(' and '),
    onEvent: (event) => {
      for (const { onEvent } of files) onEvent?.(event);
    },
    close: async () => {
      const run = timelineOf();
      const written = await Promise.all(files.map((one) => writeOne(one, run)));
      return written.flat();
    },
  };
}

async function writeOne(one: OpenFile, run: RunTimeline): Promise<readonly Problem[]> {
  const text = await one.make(run);
  try {
    await writeNamedFile(one.target, text);
    return one.findLeft?.(run, one.file) ?? [];
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

/** Checks before the run whether the file is writable now. Later faults of the disk show up when it is written. */
async function checkFile(one: AskedFile): Promise<Problem[]> {
  try {
    const there = await stat(one.target).catch(() => undefined);
    if (there?.isDirectory() === true) return [unwritable(one, 'EISDIR')];
    const denied = findMissing([{ kind: 'write', what: one.target }]);
    if (denied !== undefined) return [denied];
    // Synchronous, because without the permission to read user ids, Deno would otherwise throw later where it cannot be caught.
    if (there !== undefined) accessSync(one.target, constants.W_OK);
    // With a final slash, so that an ordinary file fails.
    else accessSync(`${path.dirname(one.target)}${path.sep}`, constants.W_OK);
    return [];
  } catch (error) {
    // If the check itself is not permitted, writing is tried after the run.
    if (missingPermissions(error)?.every(({ kind }) => kind === 'sys') === true) return [];
    return [unwritable(one, await describeFileFault(error, one.target))];
  }
}

function unwritable(one: NamedFile, why: string): Problem {
  return problem('cli/unwritable-file', `${one.name} ${one.file} cannot be written: ${why}`, {
    hint: why === 'ENXIO' ? 'Nobody reads this pipe: start its reader first.' : hintOf(one),
  });
}

function hintOf({ option }: NamedFile): string {
  return `Choose a path for --${option} whose directory exists, has free space, and is writable for you.`;
}
