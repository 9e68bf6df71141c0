/** Names, link texts and Dockerfiles that are not UTF-8: the real engine gets them as they are, each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runShell } from '../rig/odd-names.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

test('what has no name in UTF-8 is built each time, with every byte', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  const registry = await startTestRegistry(t);
  const tags = (name: string) => `tags: ["${registry.host}/${name}:1"], push: true`;
  const work = await makeWorkspace(t, {
    'builds.yaml': `builds:
  names: { context: names, ${tags('names')} }
  links: { context: links, ${tags('links')} }
  text: { context: text, ${tags('text')} }
  ignoring: { context: ignoring, ${tags('ignoring')} }
`,
    'out.yaml': `builds:
  names: { context: names, outputs: ["type=local,dest=out/names"] }
  links: { context: links, outputs: ["type=local,dest=out/links"] }
  text: { context: text, outputs: ["type=local,dest=out/text"] }
`,
    'names/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'links/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'text/file': '',
    'ignoring/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'ignoring/.dockerignore': 'a*\n',
  });
  const shell = (line: string) => runShell(work.dir, line);
  await shell(`
    printf one > "names/$(printf 'a\\377')"
    printf two > "names/$(printf 'a\\376')"
    : > "ignoring/$(printf 'a\\377')"
    ln -s "$(printf 't\\376')" links/link
    printf 'FROM scratch\\nCOPY <<"E" /file\\ncaf\\351\\nE\\n' > text/Dockerfile`);
  const first = await work.bake();
  assertOk(first);
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(again.kinds, { names: 'built', links: 'built', text: 'built', ignoring: 'unchanged' });
  for (const name of ['names', 'links', 'text']) assert.equal(again.outcome(name).reason?.code, 'untracked');
  await shell(`
    printf other > "names/$(printf 'a\\376')"
    rm links/link; ln -s "$(printf 't\\377')" links/link
    printf 'FROM scratch\\nCOPY <<"E" /file\\ncaf\\350\\nE\\n' > text/Dockerfile`);
  const edited = await work.bake();
  assertOk(edited);
  for (const name of ['names', 'links', 'text'])
    assert.notEqual(edited.outcome(name).digest, again.outcome(name).digest, name);
  const written = await work.run(['run', '-f', 'out.yaml']);
  assert.equal(written.exitCode, 0, written.stderr);
  await shell(`
    test "$(cat "out/names/$(printf 'a\\377')")" = one
    test "$(cat "out/names/$(printf 'a\\376')")" = other
    test "$(readlink out/links/link)" = "$(printf 't\\377')"
    test "$(cat out/text/file)" = "$(printf 'caf\\350')"`);
});
