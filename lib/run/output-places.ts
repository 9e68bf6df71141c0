/**
 * The places that buildctl writes to. For a file, buildctl requires an existing directory; output directories it creates itself,
 * but only after the build (buildkit cmd/buildctl/build/output.go, session/filesync). So both are created right before the call,
 * and failures are reported before anything is built.
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BuildOutput } from '../buildctl/mod.ts';
import { type Build, type Problem, problem, type TypedAttributes } from '../model/mod.ts';
import { describeFileFault, fileFaultCode } from '../system/mod.ts';
import { deniedProblem } from '../util/permission.ts';

/** The values that Go's strconv.ParseBool reads as false. */
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);
const FILE_TYPES: ReadonlySet<string> = new Set(['tar', 'oci', 'docker']);
/** The same as buildctl's, since exported files may be private. */
const LOCAL_MODE = 0o700;

/** One place that is written to. */
interface Place {
  readonly key: 'outputs' | 'cache-to' | 'buildctl-options';
  readonly kind: 'file' | 'directory';
  readonly file: string;
  readonly mode?: number;
  readonly typed: TypedAttributes;
}

/**
 * Creates the directories for the files of one call. Write permission must have been checked before.
 *
 * @returns `build/output-place` if that fails
 */
export async function makeOutputPlaces(
  build: Build,
  outputs: readonly BuildOutput[],
): Promise<Problem | undefined> {
  const written = outputs.flatMap((one) => (one.kind === 'written' ? [one.output] : []));
  for (const place of [
    ...written.flatMap(placeOfOutput),
    ...build.buildctlOptions.flatMap(placesOfOption),
    ...build.cacheTo.flatMap((cache) => placeOf('cache-to', cache, cache.type === 'local' ? {} : undefined)),
  ]) {
    const wrong = await makePlace(place);
    if (wrong === undefined) continue;
    const { span } = place.typed;
    return { ...wrong, build: build.name, ...(span === undefined ? {} : { span }) };
  }
  return undefined;
}

/**
 * Directories of local caches that a build writes and that have no cache yet, as shown to users. Jobs pass such directories on
 * and rely on them.
 */
export async function findMissingCaches({ cacheTo }: Build): Promise<readonly string[]> {
  const found = await Promise.all(
    cacheTo.map(async ({ type, attributes, writtenPath }) => {
      const dest = attributes.get('dest');
      if (type !== 'local' || dest === undefined) return [];
      const index = await stat(path.join(dest, 'index.json')).catch(() => undefined);
      return index === undefined ? [writtenPath ?? dest] : [];
    }),
  );
  return found.flat();
}

function placesOfOption({ name, files = [], span }: Build['buildctlOptions'][number]): readonly Place[] {
  return files.flatMap(({ path: file, written, use }) => {
    if (use !== 'written') return [];
    const typed: TypedAttributes = {
      type: name,
      attributes: new Map([['dest', file]]),
      writtenPath: written,
      ...(span === undefined ? {} : { span }),
    };
    return placeOf('buildctl-options', typed, 'file');
  });
}

function placeOfOutput(output: TypedAttributes): readonly Place[] {
  const { type, attributes } = output;
  if (type === 'local') return placeOf('outputs', output, { mode: LOCAL_MODE });
  if (!FILE_TYPES.has(type)) return [];
  const isDirectory = type !== 'tar' && FALSE.has(attributes.get('tar') ?? '');
  return placeOf('outputs', output, isDirectory ? {} : 'file');
}

/** @param as a file, or a directory with its mode; undefined: it is none of this machine's */
function placeOf(
  key: Place['key'],
  typed: TypedAttributes,
  as: 'file' | Pick<Place, 'mode'> | undefined,
): readonly Place[] {
  const file = typed.attributes.get('dest');
  if (as === undefined || file === undefined || !path.isAbsolute(file)) return [];
  return [{ key, file, typed, ...(as === 'file' ? { kind: 'file' } : { kind: 'directory', ...as }) }];
}

async function makePlace({ key, kind, file, mode, typed }: Place): Promise<Problem | undefined> {
  const shown = typed.writtenPath ?? file;
  const directory = kind === 'file' ? path.dirname(file) : file;
  try {
    await mkdir(directory, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  } catch (error) {
    if (fileFaultCode(error) === undefined) throw error;
    const denied = deniedProblem(error);
    if (denied !== undefined) return denied;
    const blocking = await findFileIn(directory);
    const why =
      blocking === undefined
        ? `its directory cannot be made (${await describeFileFault(error, directory)})`
        : blocking === file
          ? 'it is a file'
          : `\`${shownPart(shown, file, blocking)}\` is a file`;
    const hint =
      blocking === undefined
        ? `Make ${directory} writable for this user, or name another place with \`dest\`.`
        : 'Move that file away, or set `dest` to another path.';
    return problem('build/output-place', `\`${key}\` cannot write \`${shown}\`: ${why}`, { hint });
  }
  if (kind === 'directory' || !(await isDirectory(file))) return undefined;
  return problem('build/output-place', `\`${key}\` cannot write the file \`${shown}\`: it is a directory`, {
    hint: 'Set `dest` to a file in it, or use `type=local` for a directory of files, `type=oci` with `tar=false` for an image layout.',
  });
}

/** The part of a path that is a file instead of a directory; undefined: none. */
async function findFileIn(directory: string): Promise<string | undefined> {
  for (let dir = directory; ; dir = path.dirname(dir)) {
    const found = await stat(dir).catch(() => undefined);
    if (found !== undefined) return found.isDirectory() ? undefined : dir;
    if (dir === path.dirname(dir)) return undefined;
  }
}

/** A parent directory of a place, as written in the configuration. */
function shownPart(shown: string, file: string, above: string): string {
  return path.isAbsolute(shown) ? above : path.join(shown, path.relative(file, above));
}

async function isDirectory(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isDirectory() === true;
}
