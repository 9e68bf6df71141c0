/** Reads builds files written for one test. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type PrintedSet,
  printBuilds,
  type ReadBuildsOptions,
  type ReadBuildsValue,
  readBuilds,
} from '../../lib/config/mod.ts';
import { formatPlace, type Problem, type Result } from '../../lib/model/mod.ts';

/** Options of one reading; a text alone is builds.yaml. */
export interface Reading extends Partial<ReadBuildsOptions> {
  readonly tree?: Readonly<Record<string, string>>;
}

/** Writes the files into a temporary directory (its `.git` folder ends the search upwards), reads, and cleans up. */
export async function read(yaml: string, reading: Reading = {}): Promise<Result<ReadBuildsValue>> {
  const { tree, ...options } = reading;
  const dir = await mkdtemp(join(tmpdir(), 'bake-ts-config-'));
  try {
    await mkdir(join(dir, '.git'));
    for (const [path, text] of Object.entries({ ...(yaml === '' ? {} : { 'builds.yaml': yaml }), ...tree })) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    return await readBuilds({ cwd: dir, env: {}, now: new Date('2026-01-02T03:04:05Z'), ...options });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The set; fails the test with all problems if there is none. */
export async function readSet(yaml: string, reading: Reading = {}): Promise<ReadBuildsValue> {
  const result = await read(yaml, reading);
  if (!result.ok) assert.fail(result.error.map(line).join('\n'));
  return result.value;
}

/** The printed set. */
export async function print(yaml: string, reading: Reading = {}): Promise<PrintedSet> {
  return printBuilds((await readSet(yaml, reading)).set);
}

/** One printed build. */
export async function printOne(
  yaml: string,
  name = 'a',
  reading: Reading = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { builds } = await print(yaml, reading);
  const build = builds[name];
  assert.ok(build, `no build ${name}, only ${Object.keys(builds).join(', ')}`);
  return build;
}

/** `code place: message` and the text that is underlined, one string a problem. */
export async function problemsOf(yaml: string, reading: Reading = {}): Promise<readonly string[]> {
  const result = await read(yaml, reading);
  if (result.ok) return result.value.warnings.map(line);
  return result.error.map(line);
}

/** `config/code builds.yaml:1:2 «underlined» message | hint`. */
export function line(found: Problem): string {
  const { span } = found;
  const place = span === undefined ? '-' : formatPlace(span);
  const marked = span === undefined ? '' : ` «${span.source.text.slice(span.start, span.end)}»`;
  const hint = found.hint === undefined ? '' : ` | ${found.hint}`;
  return `${found.code} ${place}${marked} ${found.message}${hint}`;
}
