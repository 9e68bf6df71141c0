/** Which proxies steps get: from the docker CLI's config, else from the environment. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { readStepProxies } from '../../lib/registry/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

type Env = Readonly<Record<string, string>>;

/** What is found with a config (as JSON or text; undefined: none) and an environment. */
async function found(t: Cleanup, config: unknown, env: Env = {}, address?: string) {
  const dir = await makeTempDir(t, 'proxies-');
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  if (config !== undefined) await writeTree(dir, { 'config.json': text });
  const read = await readStepProxies({ DOCKER_CONFIG: dir, ...env }, address);
  assert(read.ok, JSON.stringify(read));
  return Object.fromEntries(read.value);
}

const ENV = { HTTP_PROXY: 'http://env:1' };

test('the docker config gives all five, and the environment then none', async (t) => {
  const entry = {
    httpProxy: 'http://p:1',
    httpsProxy: 'http://p:2',
    ftpProxy: 'http://p:3',
    noProxy: 'a,b',
    allProxy: 'socks5://p:4',
  };
  assert.deepEqual(await found(t, { proxies: { default: entry } }, ENV), {
    HTTP_PROXY: 'http://p:1',
    HTTPS_PROXY: 'http://p:2',
    FTP_PROXY: 'http://p:3',
    NO_PROXY: 'a,b',
    ALL_PROXY: 'socks5://p:4',
  });
  const some = { httpProxy: '', httpsProxy: 'http://p:2', noProxy: 7, other: 'x' };
  assert.deepEqual(await found(t, { proxies: { default: some } }, ENV), { HTTPS_PROXY: 'http://p:2' });
  // An empty entry is a way to have none.
  assert.deepEqual(await found(t, { proxies: { default: {} } }, ENV), {});
});

test('an engine may have an entry of its own, which stands alone', async (t) => {
  const proxies = { default: { httpProxy: 'http://p:1' }, 'tcp://builder:1234': { noProxy: '*' } };
  assert.deepEqual(await found(t, { proxies }, {}, 'tcp://builder:1234'), { NO_PROXY: '*' });
  assert.deepEqual(await found(t, { proxies }, {}, 'tcp://other:1234'), { HTTP_PROXY: 'http://p:1' });
  assert.deepEqual(await found(t, { proxies }), { HTTP_PROXY: 'http://p:1' });
});

test('where the config says nothing, the environment does; upper case first, as Go has it', async (t) => {
  for (const config of [undefined, {}, { proxies: {} }, { proxies: { default: 'x' } }, { proxies: [] }, '[]'])
    assert.deepEqual(await found(t, config, ENV), { HTTP_PROXY: 'http://env:1' }, JSON.stringify(config));
  const env = {
    http_proxy: 'http://low:1',
    HTTP_PROXY: '',
    HTTPS_PROXY: 'http://up:1',
    https_proxy: 'http://low:2',
  };
  assert.deepEqual(
    await found(t, undefined, { ...env, all_proxy: 'http://all:1', no_proxy: 'x', ftp_proxy: 'f:1' }),
    {
      HTTP_PROXY: 'http://low:1',
      HTTPS_PROXY: 'http://up:1',
      FTP_PROXY: 'f:1',
      NO_PROXY: 'x',
      ALL_PROXY: 'http://all:1',
    },
  );
  assert.deepEqual(await found(t, undefined, { HTTP_PROXY: 'http://a\nb', HTTPS_PROXY: 'http://a\tb' }), {});
  const none = await readStepProxies({ HTTP_PROXY: 'http://p:1' }, undefined);
  assert(none.ok);
  assert.equal(none.value.get('HTTP_PROXY'), 'http://p:1');
});

test('a loopback proxy of the environment is none for an engine on another machine', async (t) => {
  const env = {
    HTTP_PROXY: 'http://127.0.0.1:3128',
    https_proxy: 'localhost:3128',
    NO_PROXY: '127.0.0.1',
    ALL_PROXY: 'x:1',
  };
  const elsewhere = { NO_PROXY: '127.0.0.1', ALL_PROXY: 'x:1' };
  const all = { HTTP_PROXY: env.HTTP_PROXY, HTTPS_PROXY: env.https_proxy, ...elsewhere };
  for (const address of ['tcp://builder:1234', 'docker-container://b', 'ssh://u@h'])
    assert.deepEqual(await found(t, undefined, env, address), elsewhere, address);
  for (const address of [undefined, 'unix:///run/b.sock', 'tcp://127.0.0.1:1234', 'tcp://[::1]:1234'])
    assert.deepEqual(await found(t, undefined, env, address), all, address);
  // Whoever writes it into the config means it.
  const config = { proxies: { default: { httpProxy: 'http://127.0.0.1:3128' } } };
  assert.deepEqual(await found(t, config, {}, 'tcp://builder:1234'), { HTTP_PROXY: 'http://127.0.0.1:3128' });
});

test('a config that cannot be read is said, without what is in it', async (t) => {
  const dir = await makeTempDir(t, 'proxies-');
  const wrong = async () => {
    const read = await readStepProxies({ DOCKER_CONFIG: dir }, undefined);
    assert(!read.ok);
    return read.error.map(({ code, message }) => [code, message.replace(dir, 'DIR')]);
  };
  await writeTree(dir, { 'config.json': '{"proxies": secret-word' });
  assert.deepEqual(await wrong(), [['registry/bad-config', 'DIR/config.json is not a JSON object']]);
  if (process.getuid?.() === 0) return;
  await chmod(path.join(dir, 'config.json'), 0);
  assert.deepEqual(await wrong(), [['registry/bad-config', 'DIR/config.json cannot be read: EACCES']]);
});
