import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { overridableKeys } from '../../lib/config/mod.ts';
import { readSet } from './support.ts';

test('every YAML example of docs/language.md and docs/proxy.md is read without a problem or a warning', async () => {
  const texts = ['language.md', 'proxy.md'].map((name) =>
    readFile(join(process.cwd(), 'docs', name), 'utf8'),
  );
  const examples = (await Promise.all(texts)).flatMap((text) =>
    [...text.matchAll(/```yaml\n(.*?)```/gs)]
      .map((found) => found[1] ?? '')
      // The user's own settings are another language.
      .filter((example) => !example.startsWith('# ~/.config/')),
  );
  assert.ok(examples.length >= 10);
  for (const example of examples) {
    const { set, warnings } = await readSet(example);
    assert.ok(set.builds.size > 0);
    assert.deepEqual(
      warnings.map((one) => one.message),
      [],
      example,
    );
  }
});

test('docs/language.md names every key of a build', async () => {
  const text = await readFile(join(process.cwd(), 'docs', 'language.md'), 'utf8');
  assert.deepEqual(
    Object.keys(overridableKeys).filter((key) => !text.includes(`\`${key}\``)),
    [],
  );
});

test('every code of the language has a heading, and every heading a code', async () => {
  const codes = new Set<string>();
  // A lock file is not a builds file, but it is wrong in the same ways; what a file may not do is said in more places.
  for (const folder of ['config', 'lock', 'model']) {
    const dir = join(process.cwd(), 'lib', folder);
    for (const name of await readdir(dir, { recursive: true })) {
      if (!name.endsWith('.ts')) continue;
      const source = await readFile(join(dir, name), 'utf8');
      for (const found of source.matchAll(/'(config\/[a-z-]+)'/g)) codes.add(found[1] ?? '');
    }
  }
  const text = await readFile(join(process.cwd(), 'docs', 'failures', 'config.md'), 'utf8');
  const documented = [...text.matchAll(/^## (config\/[a-z-]+)$/gm)].map((found) => found[1] ?? '');
  assert.deepEqual(documented.sort(), [...codes].sort());
});
