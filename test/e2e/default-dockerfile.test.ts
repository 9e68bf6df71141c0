/** bake-ts reads the file that the real engine reads as the Dockerfile. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { buildctlBuild, contextAsOwnSource } from '../rig/buildkit.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

const options = { skip: realEngine.skip, timeout: 120_000 };

const read = (file: string) => `FROM scratch\nCOPY seen /${file}\nCOPY . /all/\n`;

/** Context → the file that is read of it. */
const EXPECTED: Readonly<Record<string, string>> = {
  plain: 'dockerfile',
  both: 'Dockerfile',
  directory: 'dockerfile',
  link: 'dockerfile',
  outside: 'dockerfile',
  inside: 'Dockerfile',
  ignoring: 'dockerfile',
  lower: 'dockerfile',
  named: 'dockerfile',
  sub: 'dockerfile',
};

/** Context → the Dockerfile that its build names. */
const NAMED: Readonly<Record<string, string>> = { named: 'Dockerfile', sub: 'sub/Dockerfile' };
const settingsOf = (name: string) =>
  `context: ${name}${NAMED[name] === undefined ? '' : `, dockerfile: ${NAMED[name]}`}`;

test(
  'it is dockerfile where Dockerfile cannot be read, and its ignore file is the one of Dockerfile',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const names = Object.keys(EXPECTED);
    const builds = names.map(
      (name) => `  ${name}: { ${settingsOf(name)}, tags: ["${registry.host}/${name}:1"], push: true }\n`,
    );
    const outputs = names.map(
      (name) => `  ${name}: { ${settingsOf(name)}, outputs: ["type=local,dest=out/${name}"] }\n`,
    );
    const work = await makeWorkspace(t, {
      '.git/HEAD': '',
      'builds.yaml': `builds:\n${builds.join('')}`,
      'outputs.yaml': `builds:\n${outputs.join('')}`,
      'elsewhere/Dockerfile': read('elsewhere'),
      ...Object.fromEntries(
        names.flatMap((name) => [
          [`${name}/dockerfile`, read('dockerfile')],
          [`${name}/seen`, name],
        ]),
      ),
      'both/Dockerfile': read('Dockerfile'),
      'inside/other': read('Dockerfile'),
      'ignoring/Dockerfile.dockerignore': 'left-out\n',
      'ignoring/dockerfile.dockerignore': 'seen\n',
      'ignoring/left-out': '',
      'sub/sub/dockerfile': read('dockerfile'),
      'sub/dockerfile': 'not read',
      'lower/other': read('dockerfile'),
    });
    const at = (file: string) => path.join(work.dir, file);
    await mkdir(at('directory/Dockerfile'));
    await symlink('nothing', at('link/Dockerfile'));
    await symlink('../elsewhere/Dockerfile', at('outside/Dockerfile'));
    await symlink('other', at('inside/Dockerfile'));
    await symlink('../elsewhere/Dockerfile', at('named/Dockerfile'));
    await symlink('../../elsewhere/Dockerfile', at('sub/sub/Dockerfile'));
    await rm(at('lower/dockerfile'));
    await symlink('other', at('lower/dockerfile'));
    for (const name of names) {
      const { args } = contextAsOwnSource(at(name));
      const plain = await buildctlBuild(
        at(name),
        path.dirname(at(`${name}/${NAMED[name] ?? 'Dockerfile'}`)),
        [...args, `--output=type=local,dest=${at(`expected/${name}`)}`],
      );
      assert.equal(plain.code, 0, `${name}: ${plain.stderr}`);
    }
    const written = await work.run(['run', '-f', 'outputs.yaml']);
    assert.equal(written.exitCode, 0, written.stderr);
    for (const name of names) {
      const [ours, plain] = [await readdir(at(`out/${name}`)), await readdir(at(`expected/${name}`))];
      assert.deepEqual(ours, plain, name);
      assert.ok(ours.includes(EXPECTED[name] ?? ''), name);
      assert.deepEqual(await readdir(at(`out/${name}/all`)), await readdir(at(`expected/${name}/all`)), name);
    }
    assert.ok(!(await readdir(at('out/ignoring/all'))).includes('left-out'));
    assertOk(await work.bake());
    const again = await work.bake();
    assert.deepEqual([...new Set(Object.values(again.kinds))], ['unchanged']);
    await work.write({
      'plain/dockerfile': `${read('dockerfile')}LABEL a=b\n`,
      'both/dockerfile': 'not read',
      'named/dockerfile': `${read('dockerfile')}LABEL a=b\n`,
      'lower/other': `${read('dockerfile')}LABEL a=b\n`,
    });
    const edited = await work.bake();
    assertOk(edited);
    assert.deepEqual(
      names.filter((name) => edited.kinds[name] !== 'unchanged'),
      // What is in a context that is copied as a whole counts in it.
      ['plain', 'both', 'lower', 'named'],
    );
    await work.write({ 'plain/Dockerfile': read('Dockerfile') });
    const overtaken = await work.bake();
    assertOk(overtaken);
    assert.equal(overtaken.kinds['plain'], 'built');
  },
);
