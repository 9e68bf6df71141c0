/** Finds the files in which a repository says what it builds: bake's and Compose's. Nothing is converted here. */
import { join, resolve } from 'node:path';
import { fileFaultCode, readRegularFile } from '../system/mod.ts';
import { throwDenied } from '../util/permission.ts';
import type { SourceText } from './bake.ts';
import type { ComposeReader } from './compose.ts';

/** Compose's names for its file; it takes the first that is there. */
const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'] as const;

/** Bake's names for its files, in the order in which they are laid over one another (buildx bake/bake.go). */
const BAKE = [
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
] as const;

/** Larger ones are nothing that anybody wrote. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What a directory has of such files. */
export interface FoundSources {
  /** Bake's files, in its order; JSON and HCL. */
  readonly bake: readonly SourceText[];
  readonly compose?: SourceText;
  /** Names of files that are there and cannot be read. */
  readonly unreadable: readonly string[];
  /** Reads what these files name. */
  readonly reader: ComposeReader;
}

/** Looks for bake's and Compose's files in one directory, by the names that these take without `-f`. */
export function findSources(directory: string): FoundSources {
  const unreadable: string[] = [];
  const read = (name: string): readonly SourceText[] => {
    try {
      return [{ name, text: readRegularFile(join(directory, name), MAX_BYTES).toString('utf8') }];
    } catch (error) {
      throwDenied(error);
      if (fileFaultCode(error) !== 'ENOENT') unreadable.push(name);
      return [];
    }
  };
  const bake = BAKE.flatMap(read);
  const reader = readerIn(directory);
  for (const name of COMPOSE) {
    const [compose] = read(name);
    if (compose !== undefined) return { bake, compose, unreadable, reader };
  }
  return { bake, unreadable, reader };
}

/** Reads files that others name, relative to a directory. */
export function readerIn(directory: string): ComposeReader {
  return {
    readFile: async (path) => {
      try {
        return readRegularFile(resolve(directory, path), MAX_BYTES).toString('utf8');
      } catch {
        return undefined;
      }
    },
    isDirectory: async (path) => {
      try {
        readRegularFile(resolve(directory, path), 0);
      } catch (error) {
        return fileFaultCode(error) === 'EISDIR';
      }
      return false;
    },
  };
}
