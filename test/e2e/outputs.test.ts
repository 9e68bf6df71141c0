/** Outputs and local caches in directories that are not there yet: BuildKit makes some of them by itself, we all. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { realEngine } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

test('every output and local cache is written to a directory that was not there', {
  skip: realEngine.skip,
  timeout: 120_000,
}, async (t) => {
  const work = await makeWorkspace(t, {
    'builds.yaml': `
builds:
  all:
    context: .
    dockerfile-inline: "FROM scratch\\nCOPY file /\\n"
    outputs:
      - type=oci,dest=a/deep/image.tar
      - type=docker,dest=b/deep/image.tar
      - type=tar,dest=c/deep/files.tar
      - type=oci,tar=false,dest=d/deep/layout
      - type=local,dest=e/deep/files
    cache-to: ["type=local,dest=f/deep/cache"]
  blocked:
    context: .
    dockerfile-inline: "FROM scratch\\nCOPY file /\\n"
    outputs: ["type=local,dest=file/deep"]
`,
    file: '1\n',
  });
  assertOk(await work.bake({ builds: ['all'] }));
  for (const made of [
    'a/deep/image.tar',
    'b/deep/image.tar',
    'c/deep/files.tar',
    'd/deep/layout/index.json',
    'e/deep/files/file',
    'f/deep/cache/index.json',
  ])
    assert(existsSync(path.join(work.dir, made)), made);
  const { problem } = (await work.bake({ builds: ['blocked'] })).outcome('blocked');
  assert.equal(problem?.code, 'build/output-place');
  assert.equal(problem.message, '`outputs` cannot write `file/deep`: `file` is a file');
});
