/**
 * Tags that a run is about to move together. They are recorded before the first one moves and deleted after the last
 * one, so a record of a run that is gone means that it was interrupted in between.
 *
 * ```
 * publishing/<project>/<run>.json
 * ```
 */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  type Digest,
  type DigestRef,
  type ImageRef,
  isDigest,
  isProcessIdentity,
  type Problem,
  type ProcessIdentity,
  parseImageRef,
  problem,
} from '../model/mod.ts';
import { describeFileFault, writeFileWhole } from '../system/mod.ts';
import { projectName } from './project.ts';

/** A tag that will move. */
export interface IntendedMove {
  readonly build: string;
  readonly ref: ImageRef;
  /** What it pointed at; undefined: it did not exist, or is unknown. */
  readonly from: Digest | undefined;
  /** The image that it will point at, and where that is. */
  readonly source: DigestRef;
}

/** The planned moves of a run. */
export interface PublishIntent {
  readonly file: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Undefined: unknown. */
  readonly owner: ProcessIdentity | undefined;
  readonly moves: readonly IntendedMove[];
}

/** The intents of one project, on this machine. */
export class PublishIntents {
  readonly #dir: string;

  /**
   * @param dir from `stateDirectory`
   * @param root the project's root
   */
  constructor(dir: string, root: string) {
    this.#dir = path.join(dir, 'publishing', projectName(root));
  }

  /** All recorded intents, oldest first; unreadable ones are skipped. */
  async read(): Promise<readonly PublishIntent[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const read = await Promise.all(
      names.filter((name) => name.endsWith('.json')).map((name) => readIntent(path.join(this.#dir, name))),
    );
    return read
      .filter((one) => one !== undefined)
      .sort((one, other) => (one.startedAt < other.startedAt ? -1 : 1));
  }

  /** Records an intent durably on disk; returns the warning `state/not-written` if that fails. */
  async write(
    moves: readonly IntendedMove[],
    owner: ProcessIdentity | undefined,
    startedAt: string,
  ): Promise<{ readonly file: string } | Problem> {
    const file = path.join(this.#dir, `${randomBytes(6).toString('hex')}.json`);
    const text = JSON.stringify({
      startedAt,
      ...(owner === undefined ? {} : { owner }),
      moves: moves.map(({ build, ref, from, source }) => ({
        build,
        ref: { ...ref },
        ...(from === undefined ? {} : { from }),
        source: { ...source },
      })),
    });
    try {
      await writeFileWhole(file, `${text}\n`, { isDurable: true, isPrivate: true });
      return { file };
    } catch (error) {
      const why = await describeFileFault(error, file);
      return problem(
        'state/not-written',
        `the tags that move together cannot be recorded: \`${file}\` (${why})`,
        {
          severity: 'warning',
          hint: 'Free space, or set BAKE_TS_HOME to a writable directory. If this run is killed between two tags, the next one does not notice.',
        },
      );
    }
  }

  /** Deletes an intent. */
  async remove({ file }: Pick<PublishIntent, 'file'>): Promise<void> {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

async function readIntent(file: string): Promise<PublishIntent | undefined> {
  try {
    const json = JSON.parse(await readFile(file, 'utf8')) as Partial<PublishIntent>;
    const moves = (Array.isArray(json.moves) ? json.moves : []).filter(
      (one) => typeof one === 'object' && one !== null && isMove(one),
    );
    if (typeof json.startedAt !== 'string' || moves.length === 0) return undefined;
    const owner = isProcessIdentity(json.owner) ? json.owner : undefined;
    return { file, startedAt: json.startedAt, owner, moves };
  } catch {
    return undefined;
  }
}

function isMove({ build, ref, from, source }: Partial<IntendedMove>): boolean {
  const isPlace = (one: ImageRef | undefined) =>
    one !== undefined && parseImageRef(`${one.registry}/${one.repository}`) !== undefined;
  return (
    typeof build === 'string' &&
    isPlace(ref) &&
    typeof ref?.tag === 'string' &&
    isPlace(source) &&
    isDigest(source?.digest ?? '') &&
    (from === undefined || isDigest(from))
  );
}
