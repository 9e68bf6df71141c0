/** First builds files from a script: from bake and Compose files, or from the Dockerfiles of a repository. */
import type { Imported, Proposal } from '../convert/mod.ts';
import type { Result } from '../model/mod.ts';
import { checkOptions } from '../util/check-options.ts';
import { permitted } from './permitted.ts';
import { directoryOf, type SurroundingsOptions } from './surroundings.ts';

/** A file to import. */
export interface ImportSource {
  /** Its name, for messages; whether it is HCL, JSON or YAML follows from it and from what is in it. */
  readonly name: string;
  /** What is in it. */
  readonly text: string;
}

/**
 * Makes a builds.yaml of bake files (HCL or JSON; later ones are laid over earlier ones), of what `bake --print` writes, or of a Compose
 * file. Nothing is read or written: of a Compose file that includes or extends others, these are problems.
 *
 * @returns the YAML, and what could not be carried over; problems: `bake/…`, `import/…`, each with its place
 * @throws TypeError where there is no file
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
  /** Where images go: a registry, with an owner where it has some: `ghcr.io/acme`. */
  readonly registry?: string;
  /** Whether they are pushed. */
  readonly push?: boolean;
}

/**
 * Proposes a builds.yaml for a repository, as `bake-ts init` does: from its bake or Compose file, and from the Dockerfiles that
 * these do not name. Nothing is written.
 *
 * @returns the YAML, what it was made from, and remarks; problem: `import/no-dockerfile`
 * @throws TypeError for options that there are not
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
