/**
 * LABEL and CMD of a Dockerfile edited: the image is made without buildctl, and is byte for byte the one that the engine
 * makes of the same files.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

/** What stands below the steps, one after the other; `engine`: buildctl has to say what comes of it. */
const EDITS: readonly { readonly text: string; readonly by: 'edit' | 'engine' }[] = [
  { text: 'LABEL a=1 b="two words"\nCMD ["sh"]\nEXPOSE 80\n', by: 'engine' },
  { text: 'LABEL a=2 b="two words"\nCMD ["sh"]\nEXPOSE 80\n', by: 'edit' },
  { text: 'LABEL a=3 b="<&> \'three\' = words"\nCMD ["sh"]\nEXPOSE 80\n', by: 'edit' },
  { text: 'LABEL a=3   b=x;y  c=new of=mine\nCMD ["sh", "-c", "echo a  b | cat"]\nEXPOSE 80\n', by: 'edit' },
  { text: 'LABEL a=3 b=x;y c=new of=mine\nCMD ["ash"]\nEXPOSE 80\n', by: 'edit' },
  { text: 'LABEL c=new b=x;y a=4 of=""\nCMD ["ash"]\nEXPOSE 80\n', by: 'edit' },
  // A label goes, a port changes, a command of the shell: the engine knows.
  { text: 'LABEL c=new b=x;y a=4\nCMD ["ash"]\nEXPOSE 80\n', by: 'engine' },
  { text: 'LABEL c=new b=x;y a=4\nCMD ["ash"]\nEXPOSE 81\n', by: 'engine' },
  { text: 'LABEL c=new b=x;y a=4\nCMD ash\nEXPOSE 81\n', by: 'engine' },
];

for (const platforms of ['', ', platforms: [linux/amd64, linux/arm64]']) {
  test(`LABEL and CMD, step by step${platforms}`, { skip: realEngine.skip, timeout: 240_000 }, async (t) => {
    const registry = await startTestRegistry(t);
    const build = (name: string, more: string) =>
      `  ${name}: { context: ., dockerfile: ${name}.Dockerfile, tags: ["${registry.host}/${name}:1"], push: true${more} }\n`;
    const below = platforms === '' ? 'RUN ["/busybox", "true"]\n' : 'COPY busybox /again\n';
    const dockerfile = (text: string) => `FROM base\n${below}${text}`;
    const work = await makeWorkspace(t, {
      'builds.yaml': `builds:\n${build('base', platforms)}${build('app', `${platforms}, contexts: { base: "build:base" }`)}${build('leaf', `${platforms}, contexts: { app: "build:app" }`)}`,
      busybox: { content: await readFile(await findBusybox(t)), mode: 0o755 },
      salt: String(Math.random()),
      'base.Dockerfile': 'FROM scratch\nCOPY busybox salt /\nLABEL of=base\n',
      'app.Dockerfile': dockerfile(EDITS[0]?.text ?? ''),
      'leaf.Dockerfile': 'FROM app\nCOPY busybox /leaf\nLABEL leaf=1\n',
    });
    for (const [at, { text, by }] of EDITS.entries()) {
      await writeFile(path.join(work.dir, 'app.Dockerfile'), dockerfile(text));
      const dry = await work.bake({ dryRun: true });
      const baked = await work.bake();
      assertOk(baked);
      const { reason, digest, steps } = baked.outcome('app');
      assert.equal(reason?.code, by === 'edit' ? 'own-config' : at === 0 ? 'first-build' : 'changed', text);
      if (by === 'edit') {
        assert.equal(baked.summary.buildctlCalls, 0, text);
        assert.deepEqual(steps, { total: 0, cached: 0 });
        assert.equal(dry.outcome('app').digest, digest);
      }
      const plain = await work.bake({ force: true });
      assertOk(plain);
      for (const name of ['base', 'app', 'leaf'])
        assert.equal(baked.outcome(name).digest, plain.outcome(name).digest, `${name}: ${text}`);
    }
  });
}
