/** From the files that were found to a draft: by the importers, and through buildx where a file is HCL. */
import type { Result } from '../model/mod.ts';
import { draftBake, type SourceText } from './bake.ts';
import { type BuildxSurroundings, printWithBuildx } from './buildx.ts';
import { draftCompose } from './compose.ts';
import type { Draft } from './draft.ts';
import { type FoundSources, isHcl } from './sources.ts';

/** What a repository's own bake or Compose file says. */
export interface Source {
  readonly draft: Draft;
  /** The files, as a person would name them. */
  readonly names: readonly string[];
}

/** What came of reading such files. */
export interface SourceReading {
  readonly source?: Source;
  /** What a person should know: which file is not read, and why; a sentence each. */
  readonly remarks: readonly string[];
}

/** Converts what was found; bake's files come before Compose's, which is for those who have no bake file. */
export async function readSource(
  found: FoundSources,
  surroundings: BuildxSurroundings,
): Promise<SourceReading> {
  const remarks = found.unreadable.map((name) => `${name} cannot be read; it is passed over`);
  const take = (names: readonly string[], drafted: Result<Draft>): Source | undefined => {
    if (drafted.ok) return { draft: drafted.value, names };
    remarks.push(`${drafted.error[0]?.message ?? names.join(' and ')}; it is passed over`);
    return undefined;
  };
  const { compose } = found;
  let source = await readBake(found.bake, surroundings, remarks, take);
  if (compose !== undefined) {
    if (source === undefined) source = take([compose.name], draftCompose(compose));
    else
      remarks.push(`${compose.name} is left aside; \`bake-ts import ${compose.name}\` shows what it builds`);
  }
  return source === undefined ? { remarks } : { source, remarks };
}

async function readBake(
  files: readonly SourceText[],
  surroundings: BuildxSurroundings,
  remarks: string[],
  take: (names: readonly string[], drafted: Result<Draft>) => Source | undefined,
): Promise<Source | undefined> {
  const hcl = files.filter(isHcl);
  const names = files.map(({ name }) => name);
  if (hcl.length > 0) {
    const printed = await printWithBuildx(files, surroundings);
    if (printed.ok) {
      const { text, command } = printed.value;
      remarks.push(`${names.join(' and ')} went through \`${command}\``);
      return take(names, draftBake([{ name: names.join(' and '), text }]));
    }
    const which = hcl.map(({ name }) => name).join(' and ');
    remarks.push(
      printed.error === 'missing'
        ? `${which} is passed over: HCL is read through buildx, and there is none here; where there is: docker buildx bake --print | bake-ts import -o builds.yaml`
        : `${which} is passed over, since buildx says: ${printed.error}`,
    );
  }
  const json = files.filter((file) => !isHcl(file));
  if (json.length === 0) return undefined;
  return take(
    json.map(({ name }) => name),
    draftBake(json),
  );
}
