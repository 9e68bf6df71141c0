/** Files next to the imported ones that belong to them or declare what they lack. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../system/mod.ts';
import { escapePattern } from '../util/escape-pattern.ts';

/** Larger files are not written by people. */
const MAX_BYTES = 1024 * 1024;
/** Maximum number of files that are checked. */
const MAX_FILES = 200;

/** The directory of the imported files. */
export interface Beside {
  /** Files that bake or Compose would also read by default. */
  readonly overrides: readonly string[];
  /** Bake and Compose files. */
  readonly sources: readonly string[];
  /** The file that declares a variable or function; undefined: none. */
  readonly declaring: (name: string) => Promise<string | undefined>;
}

/**
 * Which files override which (buildx bake/bake.go, `defaultFilenames`; compose-go cli/options.go,
 * `DefaultOverrideFileNames`).
 */
const OVERRIDES: readonly (readonly [RegExp, RegExp])[] = [
  [/^docker-bake\.(?:json|hcl)$/, /^docker-bake\.override\.(?:json|hcl)$/],
  [/^(?:docker-)?compose\.ya?ml$/, /^(?:docker-)?compose\.override\.ya?ml$/],
];

const SOURCE = /^(?:docker-bake(?:\.override)?\.(?:json|hcl)|(?:docker-)?compose\.ya?ml)$/;

/** Examines a directory; `taken` are the names of imported files in it. */
export async function lookBeside(directory: string, taken: readonly string[]): Promise<Beside> {
  const names = (await readdir(directory).catch((): string[] => []))
    .filter((name) => !taken.includes(name))
    .sort();
  const belongs = OVERRIDES.filter(([base]) => taken.some((name) => base.test(name)));
  return {
    overrides: names.filter((name) => belongs.some(([, override]) => override.test(name))),
    sources: names.filter((name) => SOURCE.test(name)),
    declaring: async (name) => {
      const written = escapePattern(name);
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
