/** Files that runs write themselves; their changes are ignored. */
import path from 'node:path';
import { locateOnDisk } from '../inspect/mod.ts';
import type { Plan } from '../model/mod.ts';
import { isWithin } from '../system/mod.ts';

/** Changes are detected a little after the write. */
const LATE_MS = 150;

const DRAFT = /\.[0-9a-f]{12}\.tmp$/;

/** Recognises writes of bake-ts. */
export class OwnWrites {
  readonly #always: readonly string[];
  /** Output paths of the current round's builds. */
  #places: readonly string[] = [];
  /** Milliseconds since 1970. */
  #until = 0;

  private constructor(always: readonly string[]) {
    this.#always = always;
  }

  /** @param always files and directories (absolute) that only bake-ts writes */
  static async create(always: readonly string[]): Promise<OwnWrites> {
    return new OwnWrites(await realPathsOf(always));
  }

  /** Starts a run of a plan. */
  async begin(plan: Plan): Promise<void> {
    const places = [...plan.nodes.values()].flatMap(({ build }) => [
      ...[...build.outputs, ...build.cacheTo].flatMap(({ attributes }) => attributes.get('dest') ?? []),
      ...build.buildctlOptions.flatMap(({ files = [] }) =>
        files.flatMap((file) => (file.use === 'written' ? [file.path] : [])),
      ),
    ]);
    this.#places = await realPathsOf(places.filter((file) => path.isAbsolute(file)));
    this.#until = Number.POSITIVE_INFINITY;
  }

  /** Ends the run. */
  end(nowMs: number): void {
    this.#until = nowMs + LATE_MS;
  }

  /** Whether a change of a path is from bake-ts. */
  has(file: string, nowMs: number): boolean {
    // Atomic writes first create a draft beside the file.
    if (isWithin(file.replace(DRAFT, ''), this.#always)) return true;
    return nowMs <= this.#until && isWithin(file, this.#places);
  }
}

async function realPathsOf(files: readonly string[]): Promise<readonly string[]> {
  return Promise.all(files.map(async (file) => (await locateOnDisk(file)).real));
}
