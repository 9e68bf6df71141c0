/** Five real engines on machines of their own: `engine status` of them all, whatever is wrong with some. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeAuthority } from '../rig/certificates.ts';
import { runBakeTs } from '../rig/command.ts';
import { type PoolEngine, poolSkip, startPool, type TestPool } from '../rig/pool.ts';
import { realEngine } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';
import { wireSkip } from '../rig/wire.ts';

interface Member {
  readonly id: string;
  readonly version?: string;
  readonly worker?: { readonly executor: string };
  readonly platforms: readonly string[];
  readonly runningBuilds?: number;
  readonly cacheBytes?: number;
  readonly latencyMs?: number;
  readonly problems?: readonly { readonly code: string; readonly message: string; readonly hint?: string }[];
}

/** Calls `engine status` where a builds.yaml has these settings. */
async function callStatus(t: TestContext, settings: string, argv: readonly string[]) {
  const cwd = await makeTempDir(t);
  await writeFile(path.join(cwd, 'builds.yaml'), `${settings}\nbuilds: { a: {} }\n`);
  const env = {
    BAKE_TS_HOME: path.join(cwd, 'home'),
    BUILDCTL: path.join(realEngine.binDir, 'buildctl'),
    BUILDKIT_HOST: undefined,
  };
  return runBakeTs(['engine', 'status', ...argv], { cwd, env });
}

async function statusOf(t: TestContext, settings: string, argv: readonly string[] = []) {
  const { exitCode: code, stdout } = await callStatus(t, settings, ['--json', ...argv]);
  const json = JSON.parse(stdout) as {
    readonly pool?: readonly Member[];
    readonly engine?: { readonly version?: string };
    readonly problems?: Member['problems'];
  };
  return { code, json, stdout };
}

const of = (pool: readonly Member[] | undefined, engine: PoolEngine | undefined) =>
  pool?.find(({ id }) => id === engine?.address);

test('engine status shows five engines: all well, then one killed, cut off, stopped, and certificates that are wrong', {
  skip: poolSkip,
  timeout: 240_000,
}, async (t) => {
  const pool = await startPool(t, { engines: 5 });
  await seeAllWell(t, pool);
  await seeCertificates(t, pool);
  await seeFaults(t, pool);
});

async function seeAllWell(t: TestContext, { engines, settings }: TestPool): Promise<void> {
  const { code, json, stdout } = await statusOf(t, settings);
  assert.equal(code, 0, stdout);
  const { stdout: text, exitCode } = await callStatus(t, settings, []);
  assert.equal(exitCode, 0, text);
  assert.deepEqual(
    json.pool?.map(({ id }) => id),
    engines.map(({ address }) => address),
  );
  for (const member of json.pool ?? []) {
    assert.match(member.version ?? '', /^v0\./);
    assert.equal(member.worker?.executor, 'oci');
    assert(member.platforms[0]?.startsWith('linux/'), text);
    assert.deepEqual([member.runningBuilds, typeof member.cacheBytes], [0, 'number']);
    assert((member.latencyMs ?? 0) > 0);
  }
  assert.match(text, /^run uses: +a pool: 5 of 5 engines answer\n\nENGINE/);
  assert(
    text
      .split('\n\n')[1]
      ?.split('\n')
      .every((line) => line.length <= 80),
    text,
  );
}

async function seeCertificates(
  t: TestContext,
  { engines, settings, authority, client }: TestPool,
): Promise<void> {
  const [first, second] = engines;
  assert(first !== undefined && second !== undefined);
  const other = await makeAuthority(t, 'another authority');
  const wrongCa = await statusOf(t, settings.replace(authority.caFile, other.caFile));
  assert.equal(wrongCa.code, 5);
  const codes = ({ json }: typeof wrongCa) => json.pool?.map(({ problems }) => problems?.[0]?.code);
  assert.deepEqual(
    codes(wrongCa),
    engines.map(() => 'engine/server-certificate'),
  );
  assert.match(
    of(wrongCa.json.pool, first)?.problems?.[0]?.message ?? '',
    /is not signed by the authority of .*ca\.pem$/,
  );

  const expired = await authority.issue('expired', { expired: true });
  const withExpired = settings
    .replace(client.certFile, expired.certFile)
    .replace(client.keyFile, expired.keyFile);
  const late = await statusOf(t, withExpired);
  assert.equal(late.code, 5);
  assert.deepEqual(late.json.pool, []);
  assert.deepEqual(
    late.json.problems?.map(({ code }) => code),
    ['engine/client-certificate'],
  );
  assert.match((await callStatus(t, withExpired, [])).stdout, /✗ the client certificate \S+ expired at/);

  const foreign = await other.issue('foreign');
  const withForeign = settings
    .replace(client.certFile, foreign.certFile)
    .replace(client.keyFile, foreign.keyFile);
  assert.deepEqual(
    codes(await statusOf(t, withForeign)),
    engines.map(() => 'engine/client-certificate'),
  );
  const withoutClient = settings.replace(/, cert: .*? }/, ' }');
  assert.deepEqual(
    codes(await statusOf(t, withoutClient)),
    engines.map(() => 'engine/client-certificate'),
  );
  const withoutTls = settings.replace(/\n {2}tls: .*/, '');
  assert.deepEqual(
    codes(await statusOf(t, withoutTls)),
    engines.map(() => 'engine/tls-mismatch'),
  );
  const named = settings.replace(' }', ', serverName: engine-1.test }');
  assert.deepEqual(codes(await statusOf(t, named)), [
    ...['engine/server-certificate', undefined, 'engine/server-certificate'],
    ...['engine/server-certificate', 'engine/server-certificate'],
  ]);

  // One engine, with the same files.
  const one = await statusOf(t, settings, ['--addr', second.address]);
  assert.deepEqual([one.code, one.json.pool], [0, undefined]);
  assert.match(one.json.engine?.version ?? '', /^v0\./);
  const lost = await statusOf(t, withExpired, ['--addr', second.address]);
  assert.deepEqual([lost.code, lost.json.problems?.[0]?.code], [5, 'engine/client-certificate']);
}

async function seeFaults(t: TestContext, { engines, settings }: TestPool): Promise<void> {
  const [well, killed, cut, stopped, other] = engines;
  assert(well && killed && cut && stopped && other);
  killed.kill();
  await cut.machine.cutOff();
  stopped.stop();
  const { code, json } = await statusOf(t, settings);
  assert.equal(code, 5);
  assert.equal(json.pool?.filter((one) => one.problems === undefined).length, 2);
  const problems = (engine: PoolEngine) =>
    of(json.pool, engine)?.problems?.map((one) => `${one.code} ${one.message}`);
  assert.equal(problems(well), undefined);
  assert.equal(problems(other), undefined);
  assert.deepEqual(problems(killed), [
    `engine/unreachable there is no buildkitd at ${killed.address}: nobody listens on its port`,
  ]);
  assert.deepEqual(problems(cut), [
    `engine/unreachable there is no buildkitd at ${cut.address}: its port does not answer`,
  ]);
  assert.match(problems(stopped)?.join() ?? '', /^engine\/unreachable buildkitd at \S+ does not/);

  await killed.start();
  await cut.machine.reconnect();
  stopped.cont();
  const again = await statusOf(t, settings);
  assert.equal(again.code, 0, again.stdout);
}

test('an engine far away answers, and how long that takes is shown', {
  skip: poolSkip === false ? wireSkip : poolSkip,
  timeout: 120_000,
}, async (t) => {
  const { engines, settings } = await startPool(t, { engines: 2 });
  const [far, near] = engines;
  assert(far !== undefined && near !== undefined);
  await far.machine.wire({ delayMs: 60, jitterMs: 10, lossPercent: 2 });
  const { code, json, stdout } = await statusOf(t, settings);
  assert.equal(code, 0, stdout);
  assert((of(json.pool, far)?.latencyMs ?? 0) > 200, stdout);
});
