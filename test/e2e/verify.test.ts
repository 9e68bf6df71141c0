/** `bake-ts verify` against a real registry: what a tag holds is what its build makes, or every path that differs is shown. */
import assert from 'node:assert/strict';
import { chmod, copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { findBusybox } from '../rig/busybox.ts';
import { digestOf } from '../rig/puller.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { assertOk, makeWorkspace } from './support.ts';

interface Found {
  readonly build: string;
  readonly verdict: string;
  readonly digest?: string;
  readonly differences: readonly string[];
  readonly notCounted: { readonly knownNoise: number; readonly ignored: readonly object[] };
  readonly platforms: readonly {
    readonly platform: string;
    readonly layers: readonly {
      readonly kind: string;
      readonly files: readonly { readonly path: string; readonly noise?: string }[];
    }[];
  }[];
  readonly problem?: { readonly code: string };
}

test('verifying what tags hold', { skip: realEngine.skip, timeout: 240_000 }, async (t) => {
  const registry = await startTestRegistry(t);
  const { host } = registry;
  // Node 20 cannot read zstd, and then says so.
  const packing = 'createZstdDecompress' in zlib ? 'zstd' : 'gzip';
  const stage = await makeWorkspace(t, {
    'builds.yaml': `builds:
  base: { context: base, contexts: { busybox: bin }, tags: ["${host}/verify/base:1"], push: true }
  repro: { context: app, contexts: { base: "build:base" }, tags: ["${host}/verify/repro:1"], push: true, reproducible: true }
  plain: { context: app, contexts: { base: "build:base" }, tags: ["${host}/verify/plain:1"], push: true, labels: { team: one } }
  random: { context: random, contexts: { base: "build:base" }, tags: ["${host}/verify/random:1"], push: true }
  arches: { context: files, platforms: [linux/amd64, linux/arm64], tags: ["${host}/verify/arches:1"], push: true, compression: ${packing} }
  noisy: { context: noisy, contexts: { base: "build:base" }, tags: ["${host}/verify/noisy:1"], push: true }
  many: { context: many, contexts: { base: "build:base" }, tags: ["${host}/verify/many:1"], push: true }
  kept: { context: files }
`,
    'bin/': '',
    'base/Dockerfile':
      'FROM scratch\nCOPY --from=busybox busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nENV PATH=/bin\n',
    'app/Dockerfile':
      'FROM base\nCOPY data /data/\nRUN echo made > /made && chmod 600 /made && ln -s made /link\n',
    'app/data/a': 'a\n',
    'app/data/b': 'b\n',
    'random/Dockerfile': 'FROM base\nRUN cat /proc/sys/kernel/random/uuid > /id\n',
    // As package managers and Python do: a log, an identifier, and compiled code with the time of its source in it.
    'noisy/Dockerfile': String.raw`FROM base
RUN mkdir -p /var/log /etc /lib/__pycache__ && head -c 16 /dev/urandom > /var/log/dpkg.log
RUN tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
RUN { printf '\247\r\r\n\0\0\0\0'; head -c 4 /dev/urandom; printf '\1\0\0\0code'; } > /lib/__pycache__/x.pyc
`,
    'many/Dockerfile':
      'FROM base\nRUN mkdir -p /opt/data /etc && for i in $(seq 20); do head -c 8 /dev/urandom > /opt/data/$i; done && cat /proc/sys/kernel/random/uuid > /etc/id\n',
    'files/Dockerfile': 'FROM scratch\nCOPY f /f\n',
    'files/f': 'f\n',
  });
  await copyFile(await findBusybox(t), path.join(stage.dir, 'bin/busybox'));
  await chmod(path.join(stage.dir, 'bin/busybox'), 0o755);
  assertOk(await stage.bake());
  const verify = async (...args: readonly string[]) => {
    const result = await stage.run(['verify', '--json', ...args], { timeoutMs: 120_000 });
    assert(result.stdout.startsWith('['), result.stderr);
    return { ...result, found: JSON.parse(result.stdout) as readonly Found[] };
  };

  await t.test('a reproducible build is the same to the byte, another one but for its times', async () => {
    await registry.forget();
    const { exitCode, found, stderr } = await verify('repro', 'plain', 'arches');
    assert.equal(exitCode, 0, stderr);
    const verdicts = Object.fromEntries(found.map((one) => [one.build, one.verdict]));
    assert.deepEqual(verdicts, { repro: 'same-bytes', plain: 'same-files', arches: 'same-files' });
    const [repro, plain, arches] = found;
    assert.equal(repro?.digest, await digestOf(`${host}/verify/repro:1`));
    // The layers of the base are those of its tag: only the layers of the build itself were made anew.
    assert.deepEqual(
      plain?.platforms[0]?.layers.map((layer) => layer.kind),
      ['same-files', 'same-files'],
    );
    assert.deepEqual(
      arches?.platforms.map((one) => one.platform),
      ['linux/amd64', 'linux/arm64'],
    );
    assert.deepEqual(await registry.writes(), []);
    assert.match(stderr, /^plain +\| \[\d\/\d\] RUN echo made/m);
    assert.match(stderr, /^plain +\| comparing with [\d.:]+\/verify\/plain:1 done/m);
    assert.match(stderr, /^plain +\| built: /m);
    assert.match(stderr, /^base +\| unchanged: read from its tag$/m, 'its tag is there, so it is not built');
    assert.doesNotMatch(stderr, /^base +\| \[/m);
  });

  await t.test('every path that differs is shown, and what differs in it', async () => {
    await stage.write({ 'app/data/a': 'A\n', 'app/data/new': '' });
    await rm(path.join(stage.dir, 'app/data/b'));
    await stage.write({
      'app/Dockerfile':
        'FROM base\nCOPY data /data/\nRUN echo made > /made && chmod 644 /made && ln -s /made /link\n',
    });
    const { exitCode, found } = await verify('plain', '--set', 'plain.labels.team=two');
    assert.equal(exitCode, 1);
    const [plain] = found;
    assert.equal(plain?.verdict, 'different');
    const differences = plain.differences.map((line) =>
      line.replace(/^linux\/\w+ /, '').replace(/ \(.*\): /, ': '),
    );
    assert.deepEqual(
      differences.filter((line) => !line.startsWith('history')),
      [
        'config.Labels.team: "one" → "two"',
        'layer 3: changed data/a (content)',
        'layer 3: removed data/b',
        'layer 3: added data/new',
        'layer 4: changed link (link made → /made)',
        'layer 4: changed made (mode 0600 → 0644)',
      ],
    );
    const shown = await stage.run(['verify', 'plain'], { timeoutMs: 120_000 });
    assert.equal(shown.exitCode, 1);
    assert.match(shown.stdout, /plain +different +127/);
    assert.match(shown.stdout, /layer 3 \(COPY data \/data\/\):\n {4}changed \/data\/a \(content\)\n/);
  });

  await t.test('known noise is no difference, unless it is to be, and is shown', async () => {
    const { exitCode, found } = await verify('noisy');
    const [noisy] = found;
    assert.deepEqual([exitCode, noisy?.verdict, noisy?.differences], [0, 'same-but-noise', []]);
    assert.equal(noisy?.notCounted.knownNoise, 3);
    const files = noisy.platforms[0]?.layers.flatMap((layer) => layer.files) ?? [];
    assert.deepEqual(
      files.map(({ path: file, noise }) => [file, noise]),
      [
        ['var/log/dpkg.log', 'dpkg-log'],
        ['etc/machine-id', 'machine-id'],
        ['lib/__pycache__/x.pyc', 'python-bytecode'],
      ],
    );
    const strict = await stage.run(['verify', 'noisy', '--strict', '--progress', 'quiet'], {
      timeoutMs: 120_000,
    });
    assert.equal(strict.exitCode, 1);
    assert.match(strict.stdout, /noisy +different/);
    assert.match(strict.stdout, /changed \/var\/log\/dpkg\.log \(content\)/);
    assert.equal(strict.stderr, '');
    const shown = await stage.run(['verify', 'noisy', '--verbose'], { timeoutMs: 120_000 });
    assert.equal(shown.exitCode, 0);
    assert.match(shown.stdout, /noisy +same but for known noise \(3 files\)/);
    assert.match(shown.stdout, /changed \/etc\/machine-id \(content\) \[known noise: machine-id\]/);
  });

  await t.test('many differences are folded, and none of a path that is ignored counts', async () => {
    const shown = await stage.run(['verify', 'many'], { timeoutMs: 120_000 });
    assert.equal(shown.exitCode, 1);
    assert.match(
      shown.stdout,
      /many: 21 differences\n.*layer 3 \(RUN .*\):\n {4}changed \/etc\/id \(content\)\n {4}\/opt\/data\/\*\*: 20 differ in content \(1, 10, 11 and 17 more\)\n {2}--verbose/,
    );
    const args = ['verify', 'many', '--ignore', '/opt/**', '--ignore', 'id'];
    const ignored = await stage.run(args, { timeoutMs: 120_000 });
    assert.equal(ignored.exitCode, 0);
    assert.match(ignored.stdout, /many +same but for what is ignored \(21 files\)/);
    assert.match(ignored.stdout, /20 differences ignored by --ignore '\/opt\/\*\*'/);
  });

  await t.test('a build that gives something else each time is different, too', async () => {
    const { exitCode, found } = await verify('random');
    assert.equal(exitCode, 1);
    assert.match(found[0]?.differences.join() ?? '', /changed id \(content\)/);
  });

  await t.test('every platform is looked at', async () => {
    await stage.write({ 'files/f': 'other\n' });
    const { exitCode, found } = await verify('arches');
    assert.equal(exitCode, 1);
    assert.deepEqual(
      found[0]?.differences.map((line) => line.replace(/ \(COPY.*\): /, ': ')),
      [
        'linux/amd64 layer 1: changed f (content (2 → 6 bytes))',
        'linux/arm64 layer 1: changed f (content (2 → 6 bytes))',
      ],
    );
  });

  await t.test('what is not pushed, or not there, is not compared and no success', async () => {
    const { exitCode, found } = await verify('kept');
    assert.deepEqual(
      [exitCode, found[0]?.verdict, found[0]?.problem?.code],
      [1, 'unknown', 'run/verify-unknown'],
    );
    const missing = await verify('plain', '--set', `plain.tags=${host}/verify/none:1`);
    assert.deepEqual([missing.exitCode, missing.found[0]?.verdict], [1, 'unknown']);
  });
});
