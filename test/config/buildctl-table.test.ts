/** docs/buildctl.md against the real buildctl, the schema, and what builds.yaml refuses and hands on. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { BUILDCTL_OPTIONS } from '../../lib/config/buildctl-options.ts';
import { buildsSchema } from '../../lib/config/mod.ts';
import { insteadOfOpt } from '../../lib/model/mod.ts';
import { runCommand } from '../rig/command.ts';
import { repoPath } from '../rig/paths.ts';
import { realEngine } from '../rig/real-engine.ts';

interface Row {
  readonly names: readonly string[];
  readonly keys: readonly string[];
  readonly otherwise: string;
}

const BUILD = 'Options of `buildctl build`\n';
const GLOBAL = 'Options of `buildctl`\n';
const FRONTEND = 'Options of the frontend';
const OUTPUT = 'Attributes of';

/** The rows of the table below a heading. */
async function tableOf(heading: string): Promise<readonly Row[]> {
  const text = await readFile(repoPath('docs/buildctl.md'), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith(heading));
  assert(section !== undefined, heading);
  const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  assert(rows.length > 10, heading);
  return rows.map((line) => {
    const [, names, keys, otherwise = ''] = line.split('|');
    return { names: quoted(names), keys: quoted(keys), otherwise: otherwise.trim() };
  });
}

const namesOf = (rows: readonly Row[]) => rows.flatMap(({ names }) => names).sort();

/** Long options below one of the headings of a help text. */
async function helpOf(args: readonly string[], heading: string): Promise<readonly string[]> {
  const { stdout } = await runCommand([path.join(realEngine.binDir, 'buildctl'), ...args, '--help']);
  const [own = ''] = stdout.split(`\n${heading}:\n`)[1]?.split('\n\n') ?? [];
  const found = [...own.matchAll(/^ {3}(--[a-z-]+)/gm)].map(([, name = '']) => name).sort();
  assert(found.includes('--help') && found.length > 10, stdout);
  return found;
}

test('every option of the real buildctl is in the tables, and none that is not there', {
  skip: realEngine.skip,
}, async () => {
  assert.deepEqual(namesOf(await tableOf(BUILD)), await helpOf(['build'], 'OPTIONS'));
  assert.deepEqual(namesOf(await tableOf(GLOBAL)), await helpOf([], 'GLOBAL OPTIONS'));
});

test('the tables name keys that there are, or say why there is none', async () => {
  const { build } = buildsSchema['$defs'] as { readonly build: { readonly properties: object } };
  for (const heading of [BUILD, GLOBAL, FRONTEND, OUTPUT]) {
    for (const { names, keys, otherwise } of await tableOf(heading)) {
      for (const key of keys) assert(Object.hasOwn(build.properties, key), `${names}: ${key}`);
      assert(keys.length > 0 || otherwise !== '', names.join());
    }
  }
});

test('what `buildctl-options` hands on and refuses is what the tables say', async () => {
  const rows = [...(await tableOf(BUILD)), ...(await tableOf(GLOBAL))];
  const isHandedOn = ({ keys }: Row) => keys.includes('buildctl-options');
  const dashed = (names: readonly string[]) =>
    names.filter((name) => name.length > 1).map((name) => `--${name}`);
  assert.deepEqual(namesOf(rows.filter(isHandedOn)), dashed(BUILDCTL_OPTIONS.known).sort());
  const refused = new Set(rows.filter((row) => !isHandedOn(row)).flatMap(({ names }) => names));
  assert.deepEqual([...refused].sort(), dashed(BUILDCTL_OPTIONS.refused).sort());
});

test('what `opts` takes and refuses is what the table says', async () => {
  for (const { names, keys } of await tableOf(FRONTEND)) {
    for (const name of names) {
      const takes = insteadOfOpt(name.replace(/:(?:NAME|TYPE)$/, ':X')) === undefined;
      assert.equal(takes, keys.includes('opts'), name);
    }
  }
});
