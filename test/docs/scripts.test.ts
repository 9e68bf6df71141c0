/** The scripts of examples/scripts: each is checked by the compiler and run, and does what it says at its head. */
import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { runCommand } from '../rig/command.ts';
import { putBase } from '../rig/fake-world.ts';
import { type Cleanup, writeTree } from '../rig/temp.ts';
import { checkTypes, type ExampleWorld, findScripts, makeExampleWorld } from './support.ts';

const whole: Cleanup = { after };
const scripts = findScripts();
const checked = checkTypes(whole, scripts);

/** Runs one in a world of its own; what it printed, and whether it says that something failed. */
async function runScript(
  world: ExampleWorld,
  name: string,
  ...argv: readonly string[]
): Promise<{ readonly printed: readonly string[]; readonly failed: boolean }> {
  const script = scripts.find(({ place }) => place.endsWith(`/${name}`));
  assert.ok(script !== undefined, name);
  try {
    const printed = await world.run(script, (await checked).emitted, argv);
    return { printed, failed: process.exitCode === 1 };
  } finally {
    process.exitCode = undefined;
  }
}

/** How each is tried. */
const TRIALS: Readonly<Record<string, (world: ExampleWorld) => Promise<void>>> = {
  'build.ts': async (world) => {
    const { failed } = await runScript(world, 'build.ts', 'api');
    assert.equal(failed, false);
  },
  'matrix-from-json.ts': async (world) => {
    await writeTree(world.dir, {
      'services.json': JSON.stringify([{ name: 'api', context: 'api', versions: ['1.2', '1.3'] }]),
      'api/Dockerfile': 'FROM scratch\nARG VERSION\nLABEL version=$VERSION\n',
    });
    const { host } = world.registry;
    const { printed } = await runScript(world, 'matrix-from-json.ts', 'services.json', `${host}/shop`);
    assert.deepEqual(printed, [`api-1.2 built ${host}/shop/api:1.2`, `api-1.3 built ${host}/shop/api:1.3`]);
  },
  'platforms.ts': async (world) => {
    await writeTree(world.dir, {
      'builds.yaml': `builds:\n  api: { context: api, tags: ["${world.registry.host}/shop/api:2"], push: true }\n`,
      'api/Dockerfile': 'FROM scratch\nCOPY . /\n',
    });
    const { printed } = await runScript(world, 'platforms.ts', 'linux/amd64', 'linux/arm64');
    assert.match(printed.join('\n'), /^api linux\/amd64 \d+ bytes\napi linux\/arm64 \d+ bytes$/);
  },
  'promote.ts': async (world) => {
    const live = `${world.registry.host}/live`;
    const shown = await runScript(world, 'promote.ts', 'dev', live);
    assert.equal(shown.printed.at(-1), '5 tags would move; add --yes to move them');
    assert.match(shown.printed[0] ?? '', /\/live\/\S+: absent → sha256:/);
    const moved = await runScript(world, 'promote.ts', 'dev', live, '--yes');
    assert.equal(moved.printed.at(-1), '5 tags are in production');
    const again = await runScript(world, 'promote.ts', 'dev', live);
    assert.deepEqual(again.printed, ['everything is there already']);
  },
  'pull-request.ts': async (world) => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
    await runCommand(['git', 'add', '.'], { cwd: world.dir, env: world.env });
    await runCommand(['git', ...identity, 'commit', '-q', '-m', 'lock'], { cwd: world.dir, env: world.env });
    const quiet = await runScript(world, 'pull-request.ts');
    assert.deepEqual(quiet.printed, ['No build is affected.']);
    await appendFile(path.join(world.dir, 'web/Dockerfile'), 'COPY . /again\n');
    world.env['GITHUB_STEP_SUMMARY'] = path.join(world.dir, 'summary.md');
    const { printed, failed } = await runScript(world, 'pull-request.ts', 'main');
    assert.equal(failed, false);
    assert.match(printed.join('\n'), /^- \*\*web\*\*: .*\n[\s\S]*^\| web \| built \| \d+ s \|$/m);
    assert.equal(await readFile(path.join(world.dir, 'summary.md'), 'utf8'), `${printed.join('\n')}\n`);
  },
  'release.ts': async (world) => {
    const { host } = world.registry;
    const tagsOf = async (version: string) => {
      const { printed } = await runScript(world, 'release.ts', version);
      return printed.flatMap((line) =>
        line.startsWith('api ') ? [line.replace(/^\S+ \S+:(\S+) put$/, '$1')] : [],
      );
    };
    assert.deepEqual(await tagsOf('1.4.1'), ['1.4', '1', 'latest']);
    await appendFile(path.join(world.dir, 'api/Dockerfile'), 'COPY . /two\n');
    assert.deepEqual(await tagsOf('2.0.0'), ['2.0', '2', 'latest']);
    await appendFile(path.join(world.dir, 'api/Dockerfile'), 'COPY . /patch\n');
    assert.deepEqual(await tagsOf('1.4.2'), ['1.4', '1'], `${host}: an older line must not move latest`);
  },
  'reporter.ts': async (world) => {
    const { printed } = await runScript(world, 'reporter.ts', 'api', 'web');
    assert.match(
      printed.join('\n'),
      /^\[1\/2\] (api|web): unchanged in 0\.\d s\n\[2\/2\] (api|web): unchanged in 0\.\d s$/,
    );
    await appendFile(path.join(world.dir, 'api/Dockerfile'), 'COPY . /again\n');
    world.engine.fault({
      at: 'step',
      when: 'api',
      act: { fail: 'error: process did not complete successfully: exit code: 7' },
    });
    const failing = await runScript(world, 'reporter.ts', 'api');
    assert.equal(failing.failed, true);
    assert.match(failing.printed[0] ?? '', /^\[1\/1\] api: failed in /);
  },
  'secrets.ts': async (world) => {
    await writeTree(world.bin, {
      pass: { content: '#!/bin/sh\ntest "$*" = "show ci/npm-token" && echo a-token\n', mode: 0o755 },
    });
    const { printed } = await runScript(world, 'secrets.ts');
    assert.deepEqual(printed, ['web built']);
  },
  'several-registries.ts': async (world) => {
    const { host } = world.registry;
    const { printed } = await runScript(world, 'several-registries.ts', `${host}/backup`);
    assert.equal(printed.length, 5);
    for (const line of printed) assert.match(line, /\/backup\/staging\/\w+:dev put \d+ bytes$/);
    const again = await runScript(world, 'several-registries.ts', `${host}/backup`);
    for (const line of again.printed) assert.match(line, / there 0 bytes$/);
  },
  'update-lock.ts': async (world) => {
    const quiet = await runScript(world, 'update-lock.ts');
    assert.deepEqual(quiet.printed, ['All base images are up to date.']);
    putBase(world.registry, 'base', '1', 'two');
    const { printed, failed } = await runScript(world, 'update-lock.ts');
    assert.equal(failed, false);
    assert.match(
      printed.join('\n'),
      /\/base:1 \| `[0-9a-f]{12}` \| `[0-9a-f]{12}` \| .*site.* \|\n\nAll builds succeed\.$/,
    );
  },
};

test('every script is tried, and there are ten', () => {
  assert.deepEqual(
    scripts.map(({ place }) => path.basename(place)),
    Object.keys(TRIALS).sort(),
  );
  assert.ok(scripts.length >= 10);
});

test('every script is right by the compiler', async () => {
  const { said } = await checked;
  assert.equal(said.exitCode, 0, `${said.stdout}${said.stderr}`);
});

for (const [name, trial] of Object.entries(TRIALS))
  test(`examples/scripts/${name} does what it says`, async (t) => {
    await trial(await makeExampleWorld(t));
  });
