/** docs/reference/builds-yaml.md: it has every key of a build, and its examples are read without a problem. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { overridableKeys } from '../../lib/config/mod.ts';
import { readSet } from '../config/support.ts';
import { repoPath } from '../rig/paths.ts';

const page = readFileSync(repoPath('docs/reference/builds-yaml.md'), 'utf8');
const sections = page
  .split(/^### /m)
  .slice(1)
  .map((text) => ({ key: text.slice(0, text.indexOf('\n')), text }));

/** What an example needs beside it in the same build. */
const BESIDE: Readonly<Record<string, string>> = {
  name: 'matrix: { python: ["3.12"] }',
  source: 'frontend: gateway.v0',
  frontend: 'source: docker/dockerfile:1',
  cache: 'tags: [registry.example.com/app:1]',
};

test('every key of a build has a section', () => {
  const keys = sections.map(({ key }) => key);
  assert.deepEqual(
    [...Object.keys(overridableKeys), 'extends', 'matrix', 'name', 'description'].filter(
      (key) => !keys.includes(key),
    ),
    [],
  );
});

test('every link of the page leads to one of its headings, or to a page', () => {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor = ''] of page.matchAll(/\]\(#([^)]+)\)/g))
    assert.ok(headings.includes(anchor), anchor);
});

for (const { key, text } of sections) {
  const [, example] = /```yaml\n(.*?)```/s.exec(text) ?? [];
  if (example === undefined) continue;
  test(`the example of ${key} is read`, async () => {
    const build = `${BESIDE[key] === undefined ? '' : `${BESIDE[key]}\n`}${example}`;
    const { warnings } = await readSet(
      `templates: { service: {} }\nbuilds:\n  base: {}\n  migrations: {}\n  app:\n${build.replaceAll(/^(?=.)/gm, '    ')}`,
      { tree: { 'keys/deploy': '' } },
    );
    assert.deepEqual(
      warnings.map(({ message }) => message),
      [],
    );
  });
}
