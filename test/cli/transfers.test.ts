/** What `copy` shows while a large blob is on its way, with a source that gives as many bytes as the test says. */
import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '../../cli/app.ts';
import { Transfers } from '../../cli/transfers.ts';
import { type BlobProgress, digestOf } from '../../lib/registry/mod.ts';
import { bakeTsCommand } from '../rig/command.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { type FakeRegistry, startFakeRegistry } from '../rig/fake-registry.ts';
import { startFaultProxy, Tap } from '../rig/fault-proxy.ts';
import { makeTempDir } from '../rig/temp.ts';
import { noTerminal, startTerminal } from '../rig/terminal.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const MB = 1_000_000;

interface Place {
  readonly dir: string;
  readonly from: string;
  readonly target: FakeRegistry;
  readonly to: string;
  /** What the bytes of the layer go through. */
  readonly tap: Tap;
  readonly layer: string;
}

/** An image with a layer of 3 MB, which comes through a tap. */
async function makePlace(t: TestContext): Promise<Place> {
  const dir = await makeTempDir(t, 'transfers-');
  const source = await startFakeRegistry(t);
  const target = await startFakeRegistry(t);
  const [config, layer] = [Buffer.from('{}'), Buffer.alloc(3 * MB, 'x')];
  const [first, second] = [config, layer].map((bytes) => ({
    mediaType: 'application/octet-stream',
    digest: source.store.putBlob('app', bytes),
    size: bytes.length,
  }));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: first,
    layers: [second],
  });
  source.store.putManifest('app', '1', { mediaType: MANIFEST, bytes: Buffer.from(manifest) });
  const tap = new Tap();
  const proxy = await startFaultProxy(t, source.host);
  proxy.judge(({ path: asked }) => (asked.endsWith(`/blobs/${digestOf(layer)}`) ? tap : 'pass'));
  const [from, to] = [`${proxy.host}/app:1`, `${target.host}/live/app`];
  return { dir, from, to, target, tap, layer: digestOf(layer) };
}

test('what is sent is one sum: what is there is none of it, and what is mounted later counts once', () => {
  const transfers = new Transfers();
  const take = (place: string, name: string, state: BlobProgress['state'], sentBytes = 0, totalBytes = 100) =>
    transfers.take({
      repository: place,
      digest: `sha256:${name}` as BlobProgress['digest'],
      sentBytes,
      totalBytes: totalBytes * MB,
      state,
    });
  assert.equal(transfers.line('pushing'), undefined);
  take('r.test/a', 'base', 'waiting');
  take('r.test/b', 'base', 'waiting');
  take('r.test/b', 'own', 'waiting', 0, 40);
  assert.equal(transfers.line('pushing'), undefined, 'nothing is sent yet');
  take('r.test/a', 'base', 'sending');
  transfers.note(0);
  assert.equal(transfers.line('pushing'), 'pushing to r.test/a: 0.0 / 140.0 MB');
  take('r.test/b', 'own', 'sending', 0, 40);
  take('r.test/a', 'base', 'sending', 20 * MB);
  transfers.note(2_000);
  const far = 'pushing to r.test/a and 1 more: 20.0 / 140.0 MB, 10.0 MB/s, about 12.0s left';
  assert.equal(transfers.line('pushing'), far);
  take('r.test/b', 'own', 'there', 0, 40);
  assert.equal(transfers.line('pushing'), 'pushing to r.test/a: 20.0 / 100.0 MB, 10.0 MB/s, about 8.0s left');
  // It begins again, and there is no pace until it has one.
  take('r.test/a', 'base', 'sending', 0);
  transfers.note(3_000);
  assert.equal(transfers.line('pushing'), 'pushing to r.test/a: 0.0 / 100.0 MB');
  take('r.test/a', 'base', 'sending', 100 * MB);
  transfers.note(8_000);
  assert.equal(transfers.line('pushing'), 'pushing to r.test/a: 100.0 / 100.0 MB, 20.0 MB/s');
  transfers.note(20_000);
  assert.equal(transfers.line('pushing'), 'pushing to r.test/a: 100.0 / 100.0 MB', 'nothing moves');
  take('r.test/a', 'base', 'sent', 100 * MB);
  assert.equal(transfers.line('pushing'), undefined);
  take('r.test/c', 'more', 'sending', 0, 0.5);
  take('r.test/c', 'bad', 'failed');
  assert.equal(transfers.line('pushing'), 'pushing to r.test/c: 100.0 / 100.5 MB');
});

async function until(what: string, is: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (is()) return;
    await sleep(10);
  }
  assert.fail(`not within ten seconds: ${what}`);
}

test('without a terminal a line every ten seconds says how far it is', async (t) => {
  const { dir, from, to, tap, layer } = await makePlace(t);
  let nowMs = 0;
  let asked = 0;
  const io = createFakeIo(['copy', from, to, '--json'], {
    cwd: dir,
    env: { HOME: dir, BAKE_TS_HOME: dir },
    now: () => {
      asked += 1;
      return nowMs;
    },
  });
  /** Time stands still meanwhile: whatever is to be said at this time has been said. */
  const settled = async (ms: number) => {
    nowMs = ms;
    const before = asked;
    await until('it has looked at the clock', () => asked > before + 3);
  };
  const ended = runCli(io);
  await until('bytes are sent', () => asked > 0);
  tap.allow(MB);
  await settled(9_999);
  const shown = () => io.err().replace(/^sent .*\n/gm, '');
  assert.equal(shown(), '');
  await settled(10_000);
  await until('the first line', () => shown() !== '');
  await settled(19_999);
  assert.match(shown(), new RegExp(`^copying to ${to}: [01]\\.\\d / 3\\.0 MB[^\n]*\n$`));
  tap.allow(MB);
  await settled(20_000);
  await until('the second line', () => shown().split('\n').length === 3);
  tap.allow(MB);
  assert.equal(await ended, 0, io.err());
  assert.equal(JSON.parse(io.out()).action, 'put');
  assert.match(io.err(), new RegExp(`sent ${layer}  3\\.0 MB\n2 blobs sent \\(3\\.0 MB\\)\n$`));
});

test('with a terminal that is kept, as in CI, it is lines, too', async (t) => {
  const { dir, from, to, tap } = await makePlace(t);
  let asked = 0;
  let nowMs = 0;
  let err = '';
  const stderr = {
    isTTY: true,
    columns: 100,
    write: (text: string) => {
      err += text;
    },
  };
  const io = createFakeIo(['copy', from, to], {
    cwd: dir,
    env: { HOME: dir, BAKE_TS_HOME: dir, GITHUB_ACTIONS: 'true' },
    stderr,
    now: () => {
      asked += 1;
      return nowMs;
    },
  });
  const ended = runCli(io);
  await until('bytes are sent', () => asked > 0);
  nowMs = 10_000;
  await until('a line', () => err.includes('copying to'));
  tap.allow(3 * MB);
  assert.equal(await ended, 0, err);
  assert.ok(!err.includes('\u001b'), err);
});

async function startCopy(t: TestContext, words: readonly string[] = []) {
  const place = await makePlace(t);
  const argv = [...bakeTsCommand(), 'copy', place.from, place.to, ...words];
  const terminal = await startTerminal(t, argv, {
    columns: 120,
    rows: 12,
    cwd: place.dir,
    env: {
      BAKE_TS_HOME: path.join(place.dir, 'home'),
      DOCKER_CONFIG: path.join(place.dir, 'docker'),
      GITLAB_CI: undefined,
      NO_COLOR: '1',
      NODE_OPTIONS:
        process.versions['deno'] === undefined ? '--disable-warning=ExperimentalWarning' : undefined,
    },
  });
  return { ...place, terminal };
}

/** How many megabytes the moving line says; it is one line, however often it was drawn. */
function megabytes(screen: readonly string[]): number {
  const lines = screen.filter((line) => line.startsWith('copying to'));
  assert.ok(lines.length <= 1, screen.join('\n'));
  return Number(/: (\d\.\d) \/ 3\.0 MB/.exec(lines[0] ?? '')?.[1] ?? Number.NaN);
}

const options = { skip: noTerminal };

test('on a terminal one line is drawn over and over, and is gone at the end', options, async (t) => {
  const { terminal, tap, to } = await startCopy(t);
  await terminal.until(/copying to \S+: 0\.0 \/ 3\.0 MB/);
  tap.allow(MB);
  await terminal.until(() => megabytes(terminal.screen()) >= 0.5);
  tap.allow(MB);
  await terminal.until(() => megabytes(terminal.screen()) >= 1.5);
  assert.ok(terminal.screen().some((line) => line.startsWith(`copying to ${to}: `)));
  assert.ok(!terminal.isCursorShown());
  terminal.resize(40, 12);
  await terminal.until(() => terminal.screen().some((line) => /^copying to .*…$/.test(line)));
  megabytes(terminal.screen());
  terminal.resize(120, 12);
  await terminal.until(() => megabytes(terminal.screen()) >= 1.5);
  tap.allow(MB);
  assert.equal(await terminal.ended(), 0);
  const lines = terminal.everything();
  assert.ok(lines.includes('2 blobs sent (3.0 MB)'), lines.join('\n'));
  assert.ok(!lines.some((line) => line.includes('copying to')), lines.join('\n'));
  assert.ok(terminal.isCursorShown());
});

test(
  'Ctrl-C ends it though the source gives nothing, and leaves the terminal as it was',
  options,
  async (t) => {
    const { terminal, target } = await startCopy(t, ['--json']);
    await terminal.until(/copying to \S+: 0\.0 \/ 3\.0 MB/);
    const pressed = performance.now();
    terminal.type('\u0003');
    assert.equal(await terminal.ended(), 130);
    // A source that gives nothing is waited for 30 s.
    assert.ok(performance.now() - pressed < 10_000);
    const lines = terminal.everything();
    assert.ok(lines.includes('stopping; press Ctrl-C again to stop at once'), lines.join('\n'));
    assert.ok(!lines.some((line) => line.includes('copying to')), lines.join('\n'));
    assert.ok(terminal.isCursorShown());
    assert.deepEqual(target.store.tags(), {});
  },
);
