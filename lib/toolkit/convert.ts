/** Creates first builds files: from bake and Compose files, or from the Dockerfiles of a repository. */
import type { Imported, Proposal } from '../convert/mod.ts';
import type { Result } from '../model/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { permitted } from './permitted.ts';
import { directoryOf, type SurroundingsOptions } from './surroundings.ts';

/** A file to import. */
export interface ImportSource {
  /** Name of the file, for messages. Name and content decide whether it is HCL, JSON or YAML. */
  readonly name: string;
  /** Content of the file. */
  readonly text: string;
}

/**
 * Makes a builds.yaml from bake files (HCL or JSON; later files override earlier ones), from the output of `bake --print`, or from a
 * Compose file. Reads and writes no files, so `include` and `extends` of other Compose files are problems.
 *
 * @returns the YAML, and notes about what could not be translated; problems: `bake/…`, `import/…`, each with its place
 * @throws TypeError if no file is given
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 *
 * const text = await readFile('docker-bake.hcl', 'utf8');
 * const { yaml, notes } = unwrap(await importBuilds({ name: 'docker-bake.hcl', text }));
 * console.log(yaml, notes);
 * ```
 */
export async function importBuilds(
  first: ImportSource,
  ...more: readonly ImportSource[]
): Promise<Result<Imported>> {
  for (const one of [first, ...more]) checkOptions('importBuilds', one, { name: 'text', text: 'text' });
  const { importBuilds: importText } = await import('../convert/mod.ts');
  return importText(first.text, { fileName: first.name, more });
}

/** What to propose. */
export interface ProposeOptions extends Pick<SurroundingsOptions, 'cwd'> {
  /** Where images go: a registry, with an owner if it has owners: `ghcr.io/acme`. */
  readonly registry?: string;
  /** Whether images are pushed. */
  readonly push?: boolean;
}

/**
 * Proposes a builds.yaml for a repository, as `bake-ts init` does: from its bake or Compose file, and from the Dockerfiles that
 * these do not use. Writes nothing.
 *
 * @returns the YAML, what it was made from, and notes; problem: `import/no-dockerfile`
 * @throws TypeError for unknown options
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 *
 * const { yaml, notes } = unwrap(await propose({ registry: 'ghcr.io/acme', push: true }));
 * await writeFile('builds.yaml', yaml, { flag: 'wx' });
 * for (const note of notes) console.log(note);
 * ```
 */
export function propose(options: ProposeOptions = {}): Promise<Result<Proposal>> {
  return permitted(async () => {
    checkOptions('propose', options, { cwd: 'directory', registry: 'text', push: 'flag' });
    const { registry, push } = options;
    const cwd = directoryOf(options.cwd);
    const { findSources, proposeBuilds, readRepository, readSource } = await import('../convert/mod.ts');
    const repository = await readRepository(cwd);
    const { source, remarks } = await readSource(findSources(cwd));
    const proposed = proposeBuilds(repository, {
      ...(source === undefined ? {} : { source }),
      ...(registry === undefined ? {} : { registry }),
      ...(push === undefined ? {} : { push }),
    });
    if (!proposed.ok) return proposed;
    return { ok: true, value: { ...proposed.value, notes: [...remarks, ...proposed.value.notes] } };
  });
}
