/** What is not known is built, what went wrong is not remembered, and what is secret is nowhere. */
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findBusybox } from '../rig/busybox.ts';
import { type FaultProxy, startFaultProxy } from '../rig/fault-proxy.ts';
import { deleteManifest, digestOf, overwriteTag, unpackImage } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { type Cleanup, makeTempDir } from '../rig/temp.ts';
import { assertOk, makeWorkspace, named } from './support.ts';

const options = { skip: realEngine.skip, timeout: 180_000 };

async function unpacked(t: Cleanup, ref: string): Promise<(name: string) => Promise<string>> {
  const dir = path.join(await makeTempDir(t, 'e2e-image-'), 'root');
  await unpackImage(ref, dir);
  return (name) => readFile(path.join(dir, name), 'utf8');
}

/** A registry behind a proxy. */
async function startProxy(t: Cleanup): Promise<FaultProxy> {
  return startFaultProxy(t, (await startTestRegistry(t)).host);
}

const ONE = (host: string) => `
builds:
  one:
    context: .
    dockerfile-inline: |
      FROM scratch
      COPY file /
    tags: [${host}/truth/one:1]
    push: true
`;

test(
  'a registry that answers 401, 403, 429, 500 or 503, or not at all, is never a reason to skip',
  options,
  async (t) => {
    const proxy = await startProxy(t);
    const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(proxy.host) });
    assertOk(await work.bake());
    for (const fault of [401, 403, 429, 500, 503] as const) {
      await work.buildctl.reset();
      proxy.judge(({ from, method }) => (from === 'bake-ts' && method === 'HEAD' ? fault : 'pass'));
      const baked = await work.bake();
      assert.equal(baked.outcome('one').reason?.code, 'registry-unknown', `${fault}`);
      assert.equal((await work.buildctl.builds()).length, 1, `${fault}`);
    }
    // What would be pushed to a registry that is not there is not even begun.
    await work.buildctl.reset();
    proxy.judge(({ from, method }) => (from === 'bake-ts' && method === 'HEAD' ? 'cut' : 'pass'));
    const away = await work.bake();
    assert.deepEqual(away.kinds, { one: 'failed' });
    assert.match(away.outcome('one').problem?.code ?? '', /^registry\//);
    assert.deepEqual(await work.buildctl.builds(), []);
    proxy.judge(undefined);
    await work.buildctl.reset();
    const after = await work.bake();
    assertOk(after);
    assert.deepEqual(after.kinds, { one: 'unchanged' });
  },
);

test(
  'a push that the registry refuses moves no tag, is not a success, and the next run makes up for it',
  options,
  async (t) => {
    const proxy = await startProxy(t);
    const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(proxy.host) });
    assertOk(await work.bake());
    const before = await digestOf(`${proxy.host}/truth/one:1`);
    await work.write({ file: 'two\n' });

    proxy.judge(({ from, method }) => (from === 'engine' && !/^(HEAD|GET)$/.test(method) ? 403 : 'pass'));
    const refused = await work.bake();
    assert.deepEqual(refused.kinds, { one: 'failed' });
    assert.match(refused.outcome('one').problem?.code ?? '', /^registry\/(denied|unauthorized)$/);
    assert.equal(await digestOf(`${proxy.host}/truth/one:1`), before);

    proxy.judge(({ from, method }) => (from === 'bake-ts' && method === 'PUT' ? 403 : 'pass'));
    const untagged = await work.bake();
    assert.deepEqual(untagged.kinds, { one: 'failed' });
    assert.match(untagged.outcome('one').problem?.code ?? '', /^registry\//);
    assert.equal(await digestOf(`${proxy.host}/truth/one:1`), before);

    proxy.judge(undefined);
    const baked = await work.bake();
    assertOk(baked);
    assert.notEqual(await digestOf(`${proxy.host}/truth/one:1`), before);
    assert.equal(await digestOf(`${proxy.host}/truth/one:1`), baked.outcome('one').digest);
    assert.deepEqual((await work.bake()).kinds, { one: 'unchanged' });
  },
);

test('a passing fault of a registry while pushing is waited out', options, async (t) => {
  const proxy = await startProxy(t);
  const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(proxy.host) });
  let faults = 0;
  proxy.judge(({ from, method }) =>
    from === 'engine' && method === 'POST' && faults++ < 2 ? 'cut' : 'pass',
  );
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual((await work.bake()).kinds, { one: 'unchanged' });
});

test(
  'a registry that goes away in the middle is reported, and the next run completes',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(registry.host) });
    const baked = await work.bake({
      onEvent: (event) => {
        if (event.type === 'node-started') void registry.stop();
      },
    });
    assert.deepEqual(baked.kinds, { one: 'failed' });
    const problem = baked.outcome('one').problem;
    assert.equal(problem?.code, 'registry/unreachable', JSON.stringify(problem));
    assert.match(problem?.message ?? '', new RegExp(registry.host));
    await registry.start();
    const again = await work.bake();
    assertOk(again);
    assert.equal(await digestOf(`${registry.host}/truth/one:1`), again.outcome('one').digest);
  },
);

test('a base image that moved is built upon anew, by FROM and by COPY --from', options, async (t) => {
  const registry = await startTestRegistry(t);
  const external = await makeWorkspace(t, {
    file: 'old\n',
    'builds.yaml': ONE(registry.host),
  });
  assertOk(await external.bake());
  const work = await makeWorkspace(t, {
    own: 'own\n',
    'builds.yaml': `
builds:
  from:
    context: .
    dockerfile-inline: "FROM ${registry.host}/truth/one:1\\nCOPY own /\\n"
    tags: [${registry.host}/moved/from:1]
    push: true
  copy:
    context: .
    dockerfile-inline: "FROM scratch\\nCOPY --from=${registry.host}/truth/one:1 /file /\\n"
    tags: [${registry.host}/moved/copy:1]
    push: true
  context:
    context: .
    contexts: { other: "docker-image://${registry.host}/truth/one:1" }
    dockerfile-inline: "FROM scratch\\nCOPY --from=other /file /\\n"
    tags: [${registry.host}/moved/context:1]
    push: true
`,
  });
  assertOk(await work.bake());
  assert.deepEqual(named(await work.bake(), 'unchanged'), ['context', 'copy', 'from']);
  const old = await digestOf(`${registry.host}/truth/one:1`);
  await external.write({ file: 'new\n' });
  assertOk(await external.bake());
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual(named(baked, 'built'), ['context', 'copy', 'from']);
  assert.match(baked.outcome('from').reason?.text ?? '', /truth\/one:1/);
  for (const name of ['from', 'copy', 'context']) {
    assert.equal(await (await unpacked(t, `${registry.host}/moved/${name}:1`))('file'), 'new\n', name);
  }
  // And back: nothing is built, the earlier results get their tags again.
  await overwriteTag(`${registry.host}/truth/one:1`, `${registry.host}/truth/one@${old}`);
  await work.buildctl.reset();
  const back = await work.bake();
  assertOk(back);
  assert.deepEqual(named(back, 'retagged'), ['context', 'copy', 'from']);
  assert.deepEqual(await work.buildctl.calls(), []);
  assert.equal(await (await unpacked(t, `${registry.host}/moved/from:1`))('file'), 'old\n');
});

test('a base image that nobody has is reported by its name', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'builds.yaml': `
builds:
  one:
    context: .
    dockerfile-inline: "FROM ${registry.host}/not/there:1\\n"
    tags: [${registry.host}/truth/one:1]
    push: true
`,
  });
  const baked = await work.bake();
  assert.deepEqual(baked.kinds, { one: 'failed' });
  assert.equal(
    baked.outcome('one').problem?.code,
    'build/base-missing',
    JSON.stringify(baked.outcome('one')),
  );
  assert.match(baked.outcome('one').problem?.message ?? '', /not\/there:1/);
});

test('two builds may share a context', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'src/a': 'a\n',
    'src/b': 'b\n',
    'builds.yaml': ['a', 'b']
      .map(
        (name) => `  ${name}:
    context: src
    dockerfile-inline: "FROM scratch\\nCOPY ${name} /\\n"
    tags: [${registry.host}/shared/${name}:1]
    push: true
`,
      )
      .reduce((text, build) => text + build, 'builds:\n'),
  });
  assertOk(await work.bake());
  await work.write({ 'src/b': 'b, changed\n' });
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual(baked.kinds, { a: 'unchanged', b: 'built' });
  assert.equal(await (await unpacked(t, `${registry.host}/shared/b:1`))('b'), 'b, changed\n');
});

test('a file with other bytes but the same size and time is sent anew', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(registry.host) });
  const file = path.join(work.dir, 'file');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  assertOk(await work.bake());
  await writeFile(file, 'two\n');
  await utimes(file, 1_700_000_000, 1_700_000_000);
  assert.equal((await stat(file)).mtimeMs, 1_700_000_000_000);
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual(baked.kinds, { one: 'built' });
  assert.equal(await (await unpacked(t, `${registry.host}/truth/one:1`))('file'), 'two\n');
});

test('a directory of which only the mode changed is built with its new mode', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, { 'src/file': 'one\n', 'builds.yaml': ONE(registry.host) });
  await work.write({ 'builds.yaml': ONE(registry.host).replace('COPY file /', 'COPY . /') });
  const modeOf = async (): Promise<string> => {
    const dir = path.join(await makeTempDir(t, 'e2e-image-'), 'root');
    await unpackImage(`${registry.host}/truth/one:1`, dir);
    return ((await stat(path.join(dir, 'src'))).mode & 0o7777).toString(8);
  };
  for (const mode of [0o755, 0o700, 0o711]) {
    await chmod(path.join(work.dir, 'src'), mode);
    assertOk(await work.bake());
    assert.equal(await modeOf(), mode.toString(8));
  }
});

test(
  'files of two contexts with the same name, size and time are not confused with one another',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const names = ['a', 'b', 'c'];
    const work = await makeWorkspace(t, {
      ...Object.fromEntries(names.map((name) => [`${name}/file`, `${name}\n`])),
      'builds.yaml': names
        .map(
          (name) => `  ${name}:
    context: ${name}
    dockerfile-inline: "FROM scratch\\nCOPY file /\\n"
    tags: [${registry.host}/same/${name}:1]
    push: true
`,
        )
        .reduce((text, build) => text + build, 'builds:\n'),
    });
    for (const name of names) await utimes(path.join(work.dir, name, 'file'), 1_600_000_000, 1_600_000_000);
    assertOk(await work.bake());
    for (const name of names) {
      assert.equal(await (await unpacked(t, `${registry.host}/same/${name}:1`))('file'), `${name}\n`);
    }
  },
);

test('an ignore file that points out of its context leaves nothing out', options, async (t) => {
  const registry = await startTestRegistry(t);
  const yaml = ONE(registry.host).replace('COPY file /', 'COPY . /').replace('context: .', 'context: src');
  const work = await makeWorkspace(t, {
    'src/file': 'one\n',
    'src/.dockerignore': { symlink: '../rules' },
    rules: 'file\n',
    'builds.yaml': yaml,
  });
  assertOk(await work.bake());
  assert.equal(await (await unpacked(t, `${registry.host}/truth/one:1`))('file'), 'one\n');
  await work.write({ 'src/file': 'two\n' });
  const changed = await work.bake();
  assertOk(changed);
  assert.deepEqual(changed.kinds, { one: 'built' });
  assert.equal(await (await unpacked(t, `${registry.host}/truth/one:1`))('file'), 'two\n');
  // Inside it is followed, an absolute one from the context's root on.
  await work.write({ 'src/inner/rules': 'file\n' });
  for (const target of ['inner/rules', '/inner/rules']) {
    await rm(path.join(work.dir, 'src/.dockerignore'));
    await work.write({ 'src/.dockerignore': { symlink: target } });
    assertOk(await work.bake());
    await work.write({ 'src/file': `not read ${target}\n` });
    assert.deepEqual((await work.bake()).kinds, { one: 'unchanged' }, target);
  }
});

test('a parent of which only the config changed does not rebuild what copies from it', options, async (t) => {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  const builds = (label: string) => `
builds:
  parent:
    context: .
    dockerfile-inline: "FROM scratch\\nCOPY file /\\n"
    labels: { version: "${label}" }
    tags: [${host}/config/parent:1]
    push: true
  above:
    context: .
    contexts: { parent: build:parent }
    dockerfile-inline: "FROM parent\\nCOPY file /more\\n"
    tags: [${host}/config/above:1]
    push: true
  beside:
    context: .
    contexts: { parent: build:parent }
    dockerfile-inline: "FROM scratch\\nCOPY --from=parent /file /copied\\n"
    tags: [${host}/config/beside:1]
    push: true
`;
  const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': builds('1') });
  assertOk(await work.bake());
  await work.write({ 'builds.yaml': builds('2') });
  const labelled = await work.bake();
  assertOk(labelled);
  assert.deepEqual(labelled.kinds, { parent: 'built', above: 'built', beside: 'unchanged' });
  // Its layers are remembered with a result that is unchanged, too.
  await work.write({ 'builds.yaml': builds('1') });
  const back = await work.bake();
  assertOk(back);
  assert.deepEqual(back.kinds, { parent: 'retagged', above: 'retagged', beside: 'unchanged' });
  await work.write({ file: 'two\n' });
  const changed = await work.bake();
  assertOk(changed);
  assert.deepEqual(named(changed, 'built'), ['above', 'beside', 'parent']);
});

test('a parent that is built again to the same bytes does not rebuild its children', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, {
    'parent/kept': 'kept\n',
    'parent/only-looked-at/file': '1\n',
    'parent/Dockerfile':
      'FROM scratch AS look\nCOPY only-looked-at /x/\nFROM scratch\nCOPY --from=look /x/kep[t] /x/nothing* /none/\nCOPY kept /\n',
    'child/own': 'own\n',
    'builds.yaml': `
builds:
  parent:
    context: parent
    reproducible: true
    tags: [${registry.host}/cutoff/parent:1]
    push: true
  child:
    context: child
    contexts: { parent: build:parent }
    dockerfile-inline: "FROM parent\\nCOPY own /\\n"
    tags: [${registry.host}/cutoff/child:1]
    push: true
`,
  });
  await work.write({
    'parent/Dockerfile':
      'FROM scratch AS look\nCOPY only-looked-at /x/\nCOPY kept /y/\nFROM scratch\nCOPY --from=look /y/ /\n',
  });
  assertOk(await work.bake());
  await work.write({ 'parent/only-looked-at/file': '2\n' });
  const baked = await work.bake();
  assertOk(baked);
  assert.deepEqual(baked.kinds, { parent: 'built', child: 'unchanged' });
  await work.buildctl.reset();
  assert.deepEqual((await work.bake()).kinds, { parent: 'unchanged', child: 'unchanged' });
  assert.deepEqual(await work.buildctl.calls(), []);
});

test('a file that changes during the build is not remembered as built', options, async (t) => {
  const registry = await startTestRegistry(t);
  const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(registry.host) });
  let written: Promise<void> | undefined;
  const baked = await work.bake({
    onEvent: (event) => {
      if (event.type === 'node-started') written = writeFile(path.join(work.dir, 'file'), 'two\n');
    },
  });
  await written;
  assertOk(baked);
  assert(
    baked.events.some(
      (event) => event.type === 'warning' && event.problem.code === 'run/changed-while-building',
    ),
  );
  const again = await work.bake();
  assertOk(again);
  assert.deepEqual(again.kinds, { one: 'built' });
  assert.equal(await (await unpacked(t, `${registry.host}/truth/one:1`))('file'), 'two\n');
});

test('a failing step blocks what is based on it, and nothing else', options, async (t) => {
  const registry = await startTestRegistry(t);
  const busybox = await readFile(await findBusybox(t));
  const build = (name: string, rest: string) => `  ${name}:
    context: .
    tags: [${registry.host}/broken/${name}:1]
    push: true
${rest}`;
  const work = await makeWorkspace(t, {
    busybox: { content: busybox, mode: 0o755 },
    'builds.yaml': `builds:
${build('good', '    dockerfile-inline: "FROM scratch\\nCOPY busybox /\\n"\n')}
${build('bad', '    dockerfile-inline: "FROM scratch\\nCOPY busybox /\\nRUN [\\"/busybox\\", \\"sh\\", \\"-c\\", \\"echo it is broken; exit 7\\"]\\n"\n')}
${build('above', '    contexts: { bad: build:bad }\n    dockerfile-inline: "FROM bad\\nCOPY busybox /again\\n"\n')}
${build('top', '    contexts: { above: build:above, good: build:good }\n    dockerfile-inline: "FROM above\\nCOPY --from=good busybox /good\\n"\n')}
${build('beside', '    contexts: { good: build:good }\n    dockerfile-inline: "FROM good\\nCOPY busybox /beside\\n"\n')}
`,
  });
  const baked = await work.bake();
  assert(!baked.summary.ok);
  assert.deepEqual(baked.kinds, {
    good: 'built',
    bad: 'failed',
    above: 'blocked',
    top: 'blocked',
    beside: 'built',
  });
  assert.equal(baked.outcome('top').blockedBy, 'bad');
  const problem = baked.outcome('bad').problem;
  assert.equal(problem?.code, 'build/step-failed');
  assert.match(problem?.message ?? '', /exit code 7/);
  assert.match(problem?.detail ?? '', /it is broken/);
  await work.buildctl.reset();
  const again = await work.bake();
  assert.deepEqual(again.kinds, {
    good: 'unchanged',
    bad: 'failed',
    above: 'blocked',
    top: 'blocked',
    beside: 'unchanged',
  });
  assert.equal((await work.buildctl.builds()).length, 1);
  const fast = await work.bake({ failFast: true, force: true, jobs: 1 });
  assert(!fast.summary.ok);
  assert(named(fast, 'cancelled').length > 0 || named(fast, 'blocked').length > 0);
});

test('secrets reach RUN and nothing else', options, async (t) => {
  const registry = await startTestRegistry(t);
  const busybox = await readFile(await findBusybox(t));
  const values = {
    env: 'from-the-environment-93417',
    file: 'from-a-file-55102',
    command: 'from-a-command-77230',
  };
  const work = await makeWorkspace(
    t,
    {
      busybox: { content: busybox, mode: 0o755 },
      'secret.txt': values.file,
      Dockerfile: `FROM scratch
COPY busybox /
RUN --mount=type=secret,id=one --mount=type=secret,id=two --mount=type=secret,id=three ["/busybox", "sh", "-c", "/busybox cat /run/secrets/one /run/secrets/two /run/secrets/three | /busybox md5sum > /sum"]
`,
      'builds.yaml': `
builds:
  one:
    context: .
    tags: [${registry.host}/secret/one:1]
    push: true
    secrets:
      - id=one,env=TOKEN
      - id=two,src=secret.txt
      - { id: three, command: [cat, hidden] }
`,
      hidden: `${values.command}\n`,
      '.dockerignore': 'secret.txt\nhidden\n',
    },
    { TOKEN: values.env },
  );
  const baked = await work.bake();
  assertOk(baked);
  const { createHash } = await import('node:crypto');
  const sum = createHash('md5').update(`${values.env}${values.file}${values.command}`).digest('hex');
  assert.equal((await (await unpacked(t, `${registry.host}/secret/one:1`))('sum')).split(' ')[0], sum);
  const shown = [JSON.stringify(baked.events), ...(await work.buildctl.calls())];
  for (const name of await readdir(work.home, { recursive: true })) {
    const file = path.join(work.home, name);
    if ((await stat(file)).isFile()) shown.push(await readFile(file, 'latin1'));
  }
  for (const value of Object.values(values)) {
    assert(!shown.some((text) => text.includes(value)), `${value} was shown`);
  }
  const printed = await work.run(['run', '--force', '--progress=plain']);
  assert.equal(printed.exitCode, 0, printed.stderr);
  for (const value of Object.values(values)) {
    assert(!`${printed.stdout}${printed.stderr}`.includes(value), `${value} was printed`);
  }
  // An unset secret is reported before anything runs, and only where something does.
  await work.buildctl.reset();
  assertOk(await work.bake({ env: { TOKEN: undefined } }));
  const unset = await work.bake({ env: { TOKEN: undefined }, force: true });
  assert(!unset.summary.ok);
  assert.equal(unset.summary.problems[0]?.code, 'build/secret-unset');
  assert.deepEqual(await work.buildctl.calls(), []);
});

test(
  'a tag deleted together with its manifest is pushed again where the engine still has the layers',
  options,
  async (t) => {
    const registry = await startTestRegistry(t);
    const work = await makeWorkspace(t, { file: 'one\n', 'builds.yaml': ONE(registry.host) });
    assertOk(await work.bake());
    await deleteManifest(`${registry.host}/truth/one:1`);
    const baked = await work.bake();
    assertOk(baked);
    assert.equal(baked.outcome('one').reason?.code, 'image-gone');
    assert.equal(await (await unpacked(t, `${registry.host}/truth/one:1`))('file'), 'one\n');
  },
);
