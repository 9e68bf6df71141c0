/** Files beside those that are imported, which belong to them or say what these lack. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../system/mod.ts';

/** Larger ones are nothing that anybody wrote. */
const MAX_BYTES = 1024 * 1024;
/** More files than these are not looked at. */
const MAX_FILES = 200;

/** What lies in the directory of the files. */
export interface Beside {
  /** Files that bake or Compose lays over these where none is named. */
  readonly overrides: readonly string[];
  /** Bake's and Compose's own files. */
  readonly sources: readonly string[];
  /** The file that declares a variable or function; undefined: none does. */
  readonly declaring: (name: string) => Promise<string | undefined>;
}

/** What is laid over what (buildx bake/bake.go, `defaultFilenames`; compose-go cli/options.go, `DefaultOverrideFileNames`). */
const OVERRIDES: readonly (readonly [RegExp, RegExp])[] = [
  [/^docker-bake\.(?:json|hcl)$/, /^docker-bake\.override\.(?:json|hcl)$/],
  [/^(?:docker-)?compose\.ya?ml$/, /^(?:docker-)?compose\.override\.ya?ml$/],
];

const SOURCE = /^(?:docker-bake(?:\.override)?\.(?:json|hcl)|(?:docker-)?compose\.ya?ml)$/;

/** Looks at a directory; `taken` are the names of files in it that are imported. */
export async function lookBeside(directory: string, taken: readonly string[]): Promise<Beside> {
  const names = (await readdir(directory).catch((): string[] => []))
    .filter((name) => !taken.includes(name))
    .sort();
  const belongs = OVERRIDES.filter(([base]) => taken.some((name) => base.test(name)));
  return {
    overrides: names.filter((name) => belongs.some(([, override]) => override.test(name))),
    sources: names.filter((name) => SOURCE.test(name)),
    declaring: async (name) => {
      const written = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const declares = new RegExp(
        `^\\s*(?:(?:variable|function)\\s+"?${written}"?\\s*\\{|${written}\\s*=(?!=))|"${written}"\\s*:\\s*\\{`,
        'm',
      );
      const bakeFiles = names.filter((one) => /\.(?:hcl|json)$/.test(one)).slice(0, MAX_FILES);
      return bakeFiles.find((one) => declares.test(textOf(join(directory, one))));
    },
  };
}

function textOf(file: string): string {
  try {
    return readRegularFile(file, MAX_BYTES).toString('utf8');
  } catch {
    return '';
  }
}
