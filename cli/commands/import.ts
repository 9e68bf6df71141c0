import { readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import type { Beside, Imported } from '../../lib/convert/mod.ts';
import { type Problem, problem } from '../../lib/model/mod.ts';
import { goArchitecture } from '../../lib/system/mod.ts';
import { throwDenied } from '../../lib/util/permission.ts';
import { type ParsedArgs, textOf } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems } from '../output.ts';
import { withSchemaLine } from '../schema-line.ts';
import { writeNotes, writeResult } from '../write-file.ts';

/** Larger files cannot be imported. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * `bake-ts import FILE…`: writes builds.yaml to stdout or to the file of `-o`. Writes to stderr what was lost and what
 * differs from bake's reading of the files.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { importBuilds, lookBeside, readerIn } = await import('../../lib/convert/mod.ts');
  const names = args.positionals.length === 0 ? await defaultNames(io) : args.positionals;
  const files: { readonly name: string; readonly text: string }[] = [];
  for (const name of names) {
    const text = name === '-' ? await io.readStdin() : await readText(path.resolve(io.cwd, name));
    if (text === undefined) return reportProblems([unreadable(name)], args, io);
    files.push({ name: name === '-' ? 'standard input' : path.basename(name), text });
  }
  const [first, ...more] = files;
  if (first === undefined) return reportProblems([nothingFound()], args, io);
  const [firstName = '-'] = names;
  // The paths in a file are relative to its directory, so the result belongs there too.
  const directory = firstName === '-' ? io.cwd : path.dirname(path.resolve(io.cwd, firstName));
  const now = new Date();
  const localPlatform = `linux/${goArchitecture(arch())}`;
  const imported = await importBuilds(first.text, {
    fileName: first.name,
    more,
    reader: readerIn(directory),
    localPlatform,
    now,
  });
  const beside =
    firstName === '-'
      ? undefined
      : await lookBeside(
          directory,
          files.map(({ name }) => name),
        );
  if (!imported.ok) return reportProblems(withBeside(imported.error, beside), args, io);
  const { yaml, notes, spellOut } = imported.value;
  const target = textOf(args, 'output') ?? '-';
  const code = await writeResult(withSchemaLine(yaml, target, io), target, args, io);
  if (code !== EXIT.ok) return code;
  const proof =
    spellOut === undefined
      ? []
      : await (await import('../import-proof.ts')).proveImport(imported.value, {
          cwd: io.cwd,
          now,
          localPlatform,
        });
  writeNotes([...notes, ...proof, ...(await notesBeside(imported.value, names, beside))], args, io);
  return code;
}

/** The files that bake reads by default. If stdin is not a terminal, it is read instead. */
async function defaultNames(io: Io): Promise<readonly string[]> {
  if (io.isInputTerminal?.() !== true) return ['-'];
  const { findSources } = await import('../../lib/convert/mod.ts');
  const { bake, compose } = findSources(io.cwd);
  if (bake.length > 0) return bake.map(({ name }) => name);
  return compose === undefined ? [] : [compose.name];
}

function unreadable(name: string): Problem {
  return problem('cli/unreadable-file', `"${name}" cannot be read`, {
    hint: 'Name a bake file, the output of docker buildx bake --print, or a Compose file; - is stdin.',
  });
}

function nothingFound(): Problem {
  return problem('cli/unreadable-file', 'There is no bake or Compose file here', {
    hint: 'Name one: `bake-ts import FILE`; - is stdin.',
  });
}

/** Adds the names of importable files beside a file with nothing to build to the hint. */
function withBeside(problems: readonly Problem[], beside: Beside | undefined): readonly Problem[] {
  const sources = beside?.sources ?? [];
  return problems.map((found) =>
    found.code === 'import/nothing-to-build' && sources.length > 0
      ? { ...found, hint: `${found.hint ?? ''} Beside it: ${sources.join(', ')}.`.trim() }
      : found,
  );
}

/** Notes about files that belong to the imported ones and were not named. */
async function notesBeside(
  { missing }: Imported,
  names: readonly string[],
  beside: Beside | undefined,
): Promise<readonly string[]> {
  if (beside === undefined) return [];
  const command = (more: readonly string[]): string => {
    const [first = ''] = names;
    const paths = more.map((name) => path.join(path.dirname(first), name));
    return `bake-ts import ${[...names, ...paths].join(' ')}`;
  };
  const notes: string[] = [];
  if (beside.overrides.length > 0) {
    const list = beside.overrides.join(' and ');
    notes.push(`${list}, which bake overlays by default, is not included: ${command(beside.overrides)}`);
  }
  const declaring = missing === undefined ? undefined : await beside.declaring(missing);
  if (declaring !== undefined) notes.push(`${declaring} beside it has ${missing}: ${command([declaring])}`);
  return notes;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    // Reading from a device may never end.
    const found = await stat(file);
    if (found.isCharacterDevice() || found.isBlockDevice() || found.size > MAX_BYTES) return undefined;
    const bytes = await readFile(file);
    return bytes.length > MAX_BYTES ? undefined : bytes.toString('utf8');
  } catch (error) {
    throwDenied(error);
    return undefined;
  }
}
