/** What the tests of the importers have in common. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type PrintedSet, printBuilds, readBuilds } from '../../lib/config/mod.ts';
import {
  findSources,
  type Imported,
  importBuilds,
  isDockerfileName,
  type Proposal,
  proposeBuilds,
  type Repository,
  readRepository,
  readSource,
  type SourceReading,
} from '../../lib/convert/mod.ts';
import type { BuildSet } from '../../lib/model/mod.ts';
import { repoPath } from '../rig/paths.ts';

/** Text of a file below `test/convert/fixtures`. */
export function fixture(name: string): string {
  return readFileSync(repoPath(`test/convert/fixtures/${name}`), 'utf8');
}

/** Imports; fails the test where that is refused. */
export async function mustImport(text: string, fileName: string): Promise<Imported> {
  const result = await importBuilds(text, { fileName });
  if (!result.ok) assert.fail(result.error.map(({ code, message }) => `${code}: ${message}`).join('\n'));
  return result.value;
}

/** Reads a builds file from text; none of its paths need exist. */
export async function readText(yaml: string, env: Readonly<Record<string, string>> = {}): Promise<BuildSet> {
  const result = await readBuilds({ cwd: repoPath('.'), env, files: ['-'], stdin: yaml });
  if (!result.ok) {
    assert.fail(
      `${result.error.map(({ code, message, hint }) => `${code}: ${message} | ${hint ?? ''}`).join('\n')}\n${yaml}`,
    );
  }
  return result.value.set;
}

/** Imports, reads, prints. */
export async function importAndPrint(
  text: string,
  fileName = 'docker-bake.json',
  env: Readonly<Record<string, string>> = {},
): Promise<PrintedSet> {
  return printBuilds(await readText((await mustImport(text, fileName)).yaml, env));
}

/** A target as `--print` writes it, in a file of its own. */
export function printedBake(target: Readonly<Record<string, unknown>>, name = 'app'): string {
  return JSON.stringify({
    group: { default: { targets: [name] } },
    target: { [name]: { context: '.', dockerfile: 'Dockerfile', ...target } },
  });
}

/** A repository in memory. */
export function repository(
  files: Readonly<Record<string, string>>,
  more: Partial<Repository> = {},
): Repository {
  return {
    name: 'acme',
    paths: Object.keys(files).sort(),
    dockerfiles: new Map(Object.entries(files).filter(([path]) => isDockerfileName(path))),
    hasGit: false,
    owners: new Set(['acme']),
    isCut: false,
    ...more,
  };
}

/** What is proposed for a repository in memory. */
export function propose(files: Readonly<Record<string, string>>, more: Partial<Repository> = {}): string {
  const result = proposeBuilds(repository(files, more));
  if (!result.ok) assert.fail(result.error.map(({ message }) => message).join('\n'));
  return result.value.yaml;
}

/** What is proposed for a directory, as `init` does it where nobody is asked. */
export async function proposeIn(directory: string): Promise<Proposal & Pick<SourceReading, 'remarks'>> {
  const { source, remarks } = await readSource(findSources(directory));
  const result = proposeBuilds(await readRepository(directory), source === undefined ? {} : { source });
  if (!result.ok) assert.fail(result.error.map(({ message }) => message).join('\n'));
  return { ...result.value, remarks };
}

/** Reads a builds file from text as if it lay in a directory. */
export async function readIn(directory: string, yaml: string): Promise<BuildSet> {
  const result = await readBuilds({ cwd: directory, env: {}, files: ['-'], stdin: yaml });
  if (!result.ok)
    assert.fail(`${result.error.map(({ code, message }) => `${code}: ${message}`).join('\n')}\n${yaml}`);
  assert.deepEqual(result.value.warnings, []);
  return result.value.set;
}
