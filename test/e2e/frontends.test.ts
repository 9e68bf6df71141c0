/** Frontends of others with the real engine: what they get, what is known of them, and what is never mixed up. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { frontendBuilds, testFrontends } from '../rig/frontends.ts';
import { digestOf, unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir, type TreeEntry } from '../rig/temp.ts';
import { assertOk, type Baked, makeWorkspace, type Workspace } from './support.ts';

const options = { skip: realEngine.skip || testFrontends.skip, timeout: 240_000 };
const OLD = new Date(1_700_000_000_000);

interface Stage extends Workspace {
  readonly host: string;
  /** Text of a file of an image of this repository. */
  readonly textIn: (image: string, file: string) => Promise<string>;
}

type SetUp = (t: TestContext, tree: Readonly<Record<string, string>>) => Promise<Stage>;

/** A registry with both frontends. In the files of each repository HOST is that registry, OWN what is the repository's in it. */
async function startFrontends(t: TestContext): Promise<SetUp> {
  const { host } = await startTestRegistry(t);
  const makers = await makeWorkspace(t, { 'builds.yaml': `builds:\n${frontendBuilds(host)}` });
  assertOk(await makers.bake({ allow: [`read:${testFrontends.dir}`] }));
  let repositories = 0;
  return async (own, tree) => {
    const name = `${host}/r${++repositories}`;
    const written: Record<string, TreeEntry> = {};
    for (const [file, text] of Object.entries(tree))
      written[file] = text.replaceAll('OWN', name).replaceAll('HOST', host);
    const work = await makeWorkspace(own, written);
    return {
      ...work,
      host: name,
      textIn: async (image, file) => {
        const dir = await makeTempDir(own, 'e2e-image-');
        await unpackImage(`${name}/${image}:1`, dir);
        return readFile(path.join(dir, file), 'utf8');
      },
    };
  };
}

const retriesOf = ({ events }: Baked) => events.filter((event) => event.type === 'retry').length;

/** Written as of an age long past, as restored caches and normalised checkouts have them. */
async function writeOld(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await utimes(file, OLD, OLD);
}

const GATEWAY = 'frontend: gateway.v0, source: "HOST/frontends/plain:1"';

test('frontends of others', options, async (t) => {
  const setUp = await startFrontends(t);

  await t.test(
    'a frontend of its own language builds, is called each time, and has what is there',
    async (t) => {
      const stage = await setUp(t, {
        'builds.yaml': `builds:
    app: { context: app, ${GATEWAY}, dockerfile: recipe, opts: { greeting: "hi there" }, tags: ["OWN/app:1"], push: true }
  `,
        'app/recipe': 'copy file /file\nlabel org.example=yes\n',
        'app/file': '',
      });
      const file = path.join(stage.dir, 'app/file');
      await writeOld(file, 'AAAA\n');
      assertOk(await stage.bake());
      assert.equal(await stage.textIn('app', 'file'), 'AAAA\n');
      assert.equal(await stage.textIn('app', 'greeting'), 'hi there');
      const digest = await digestOf(`${stage.host}/app:1`);

      const again = await stage.bake();
      assertOk(again);
      assert.equal(again.outcome('app').kind, 'built', 'what it reads is not known');
      assert.equal(await digestOf(`${stage.host}/app:1`), digest);
      assert.deepEqual(
        again.outcome('app').tags.map(({ action }) => action),
        ['there'],
      );

      await writeOld(file, 'BBBB\n');
      assertOk(await stage.bake());
      assert.equal(await stage.textIn('app', 'file'), 'BBBB\n', 'same size, same time');
      await writeOld(path.join(stage.dir, 'app/recipe'), 'copy file /FILE\nlabel org.example=yes\n');
      assertOk(await stage.bake());
      assert.equal(await stage.textIn('app', 'FILE'), 'BBBB\n', 'its recipe, too');
      const yaml = await readFile(path.join(stage.dir, 'builds.yaml'), 'utf8');
      await stage.write({ 'builds.yaml': yaml.replace('hi there', 'hello') });
      assertOk(await stage.bake());
      assert.equal(await stage.textIn('app', 'greeting'), 'hello');

      const linted = await stage.run(['lint']);
      assert.equal(linted.exitCode, 0, linted.stderr);
      assert.match(linted.stderr, /not checked, because their frontend is not Docker's: app/);
    },
  );

  await t.test(
    'builds that ask for their context without a session get their own, many at a time',
    async (t) => {
      const rows = Array.from({ length: 4 }, (_, at) => `n${at}`);
      const stage = await setUp(t, {
        'builds.yaml': `builds:
    app:
      matrix: { row: [${rows.join(', ')}] }
      name: app-\${{ matrix.row }}
      context: \${{ matrix.row }}
      frontend: gateway.v0
      source: HOST/frontends/plain:1
      dockerfile: recipe
      opts: { session: "no", greeting: same }
      tags: ["OWN/\${{ matrix.row }}:1"]
      push: true
  `,
        ...Object.fromEntries(
          rows.flatMap((row) => [
            [`${row}/recipe`, 'copy file /file\n'],
            [`${row}/file`, ''],
          ]),
        ),
      });
      for (const row of rows) await writeOld(path.join(stage.dir, row, 'file'), `${row}\n`);
      const baked = await stage.bake({ jobs: rows.length });
      assertOk(baked);
      for (const row of rows) assert.equal(await stage.textIn(row, 'file'), `${row}\n`);
    },
  );

  await t.test(
    "Docker's frontend under another name gets named sources, by `source` and by `# syntax=`",
    async (t) => {
      const stage = await setUp(t, {
        'builds.yaml': `builds:
    base: { context: base, tags: ["OWN/base:1"], push: true }
    by-source: { context: app, frontend: gateway.v0, source: "HOST/frontends/dockerfile:1", contexts: { base: build:base }, tags: ["OWN/by-source:1"], push: true }
    by-syntax: { context: app, dockerfile: ../Dockerfile.syntax, contexts: { base: build:base }, tags: ["OWN/by-syntax:1"], push: true }
  `,
        'base/Dockerfile': 'FROM scratch\nCOPY words /words\n',
        'base/words': 'of the base\n',
        'app/Dockerfile': 'FROM base\nCOPY file /file\n',
        'Dockerfile.syntax': '# syntax=HOST/frontends/dockerfile:1\nFROM base\nCOPY file /file\n',
        'app/file': '',
      });
      for (const text of ['AAAA\n', 'BBBB\n']) {
        await writeOld(path.join(stage.dir, 'app/file'), text);
        const baked = await stage.bake();
        assertOk(baked);
        assert.equal(retriesOf(baked), 0);
        for (const name of ['by-source', 'by-syntax']) {
          assert.equal(baked.outcome(name).kind, 'built');
          assert.equal(await stage.textIn(name, 'file'), text);
          assert.equal(await stage.textIn(name, 'words'), 'of the base\n');
        }
      }
    },
  );

  await t.test('a frontend reads another build, and may be one itself', async (t) => {
    const stage = await setUp(t, {
      'builds.yaml': `builds:
    base: { context: base, tags: ["OWN/base:1"], push: true }
    own:
      context: ${JSON.stringify(testFrontends.dir)}
      dockerfile-inline: |
        FROM scratch
        COPY plain /frontend
        ENTRYPOINT ["/frontend"]
    app:
      context: app
      frontend: gateway.v0
      source: example.org/own/frontend
      dockerfile-inline: |
        from base
        copy file /file
      contexts: { example.org/own/frontend: build:own, base: build:base }
      tags: ["OWN/app:1"]
      push: true
  `,
      'base/Dockerfile': 'FROM scratch\nCOPY words /words\n',
      'base/words': 'of the base\n',
      'app/file': 'A\n',
    });
    const baked = await stage.bake({ allow: [`read:${testFrontends.dir}`] });
    assertOk(baked);
    assert.equal(await stage.textIn('app', 'words'), 'of the base\n');
    assert.equal(await stage.textIn('app', 'file'), 'A\n');
  });

  await t.test('a frontend that cannot be had is a problem at its place', async (t) => {
    const stage = await setUp(t, {
      'builds.yaml': `builds:
    gone: { context: app, frontend: gateway.v0, source: "HOST/none:1", dockerfile: recipe }
    away: { context: app, frontend: gateway.v0, source: "127.0.0.1:1/none:1", dockerfile: recipe }
  `,
      'app/recipe': '',
    });
    const baked = await stage.bake();
    for (const [name, code] of [
      ['gone', 'build/base-missing'],
      ['away', 'build/base-unreachable'],
    ] as const) {
      const { problem } = baked.outcome(name);
      assert.equal(problem?.code, code, JSON.stringify(problem));
      assert.match(problem?.message ?? '', /^the frontend \S+\/none:1 is not available$/);
      assert.match(problem?.hint ?? '', /`source:`/);
      assert.equal(problem?.place?.file, 'builds.yaml');
    }
  });

  await t.test('options of buildctl write their files and leave an unchanged build alone', async (t) => {
    const stage = await setUp(t, {
      'builds.yaml': `builds:
    app:
      context: app
      opts: { hostname: build, memory: 100000000 }
      buildctl-options: [--trace, logs/trace.json, --ref-file=logs/ref]
      tags: ["OWN/app:1"]
      push: true
  `,
      'app/Dockerfile': 'FROM scratch\nCOPY Dockerfile /file\n',
    });
    const first = await stage.run(['run', '--progress=plain']);
    assert.equal(first.exitCode, 0, first.stdout + first.stderr);
    for (const file of ['trace.json', 'ref']) assert(existsSync(path.join(stage.dir, 'logs', file)), file);
    const again = await stage.bake();
    assert.equal(again.outcome('app').kind, 'unchanged');
    const untrusted = await stage.run(['run', '--untrusted', '--progress=plain']);
    assert.equal(untrusted.exitCode, 3);
    assert.match(untrusted.stderr, /config\/untrusted[\s\S]*--trace/);
  });

  await t.test('a stranger may bring a frontend, which is run by the engine like any step', async (t) => {
    const stage = await setUp(t, {
      'builds.yaml': `builds:
    app: { context: app, ${GATEWAY}, dockerfile: recipe, tags: ["OWN/app:1"], push: true }
  `,
      'app/recipe': 'copy file /file\n',
      'app/file': 'A\n',
    });
    const result = await stage.run(['run', '--untrusted', '--progress=plain']);
    assert.equal(result.exitCode, 0, result.stdout + result.stderr);
    assert.equal(await digestOf(`${stage.host}/app:1`), undefined);
  });

  await t.test('builds.lock pins the frontend, whatever its tag says then', async (t) => {
    const stage = await setUp(t, {
      'builds.yaml': `builds:
    app: { context: app, ${GATEWAY}, dockerfile: recipe, tags: ["OWN/app:1"], push: true }
  `,
      'app/recipe': 'copy file /file\n',
      'app/file': 'A\n',
    });
    const source = `${stage.host.replace(/\/r\d+$/, '')}/frontends/plain:1`;
    const digest = await digestOf(source);
    const locked = await stage.run(['lock']);
    assert.equal(locked.exitCode, 0, locked.stderr);
    const lock = await readFile(path.join(stage.dir, 'builds.lock'), 'utf8');
    assert(lock.includes(`${source}`) && lock.includes(`${digest}`), lock);
    const mover = await makeWorkspace(t, {
      'builds.yaml': `builds: { plain: { dockerfile-inline: "FROM scratch\\nCOPY builds.yaml /\\n", tags: ["${source}"], push: true } }\n`,
    });
    assertOk(await mover.bake());
    assert.notEqual(await digestOf(source), digest);
    const baked = await stage.bake();
    assertOk(baked);
    const argv = baked.events.flatMap((event) => (event.type === 'node-started' ? event.argv : []));
    assert(argv.includes(`source=${source}@${digest}`), argv.join('\n'));
    const outdated = await stage.run(['outdated']);
    assert.match(outdated.stdout, /frontends\/plain:1/);
  });
});
