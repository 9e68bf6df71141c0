/** `--username` with `--password-stdin`: for the registry of the target, and for no other. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { askHidden } from '../../cli/prompt.ts';
import { createCredentialSource, withSignIn } from '../../lib/registry/credentials.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeLayout } from '../rig/oci-layout.ts';
import { realEngine } from '../rig/real-engine.ts';
import { startRegistry, testUser } from '../rig/registry.ts';
import { makeTempDir } from '../rig/temp.ts';

async function call(argv: readonly string[], stdin: string, cwd: string) {
  const io = createFakeIo(argv, { cwd, env: { HOME: cwd }, readStdin: async () => stdin });
  const code = await runCli(io);
  return { code, out: io.out(), err: io.err() };
}

test('a name and a password open the registry of the target', { skip: realEngine.skip }, async (t) => {
  const cwd = await makeTempDir(t);
  const { digests } = await makeLayout(`${cwd}/layout`, ['1']);
  const { host } = await startRegistry(t, { auth: true });
  const { host: other } = await startRegistry(t, { auth: true });
  const { username, password } = testUser;
  const ref = `${host}/team/app:1`;
  const signIn = ['-u', username, '--password-stdin'];

  const wrong = await call(['push', 'layout', ref, ...signIn], `${password}-not`, cwd);
  assert.equal(wrong.code, EXIT.registry);
  assert.match(wrong.err, /registry\/unauthorized/);
  assert.ok(!`${wrong.out}${wrong.err}`.includes(password));
  // A line break is that of `echo`; a second one would be part of the password.
  assert.equal((await call(['push', 'layout', ref, ...signIn], `${password}\n\n`, cwd)).code, EXIT.registry);
  for (const stdin of [password, `${password}\n`, `${password}\r\n`]) {
    const pushed = await call(['push', 'layout', ref, ...signIn], stdin, cwd);
    assert.equal(pushed.code, EXIT.ok, pushed.err);
  }
  const found = await call(['digest', ref, ...signIn], password, cwd);
  assert.equal(found.out, `${digests[0]}\n`);
  assert.equal((await call(['inspect', ref, ...signIn], password, cwd)).code, EXIT.ok);
  assert.equal((await call(['tag', ref, ':2', ...signIn], password, cwd)).code, EXIT.ok);
  assert.equal((await call(['copy', ref, ':3', ...signIn], password, cwd)).code, EXIT.ok);
  // What it copies from is another registry, which has the same user: it is not told of him.
  const from = await call(['copy', ref, `${other}/team/app:1`, ...signIn], password, cwd);
  assert.equal(from.code, EXIT.registry);
  assert.match(from.err, new RegExp(`No credentials were\\s+found for ${host}`));
});

test('what is missing or too much is said before anything is read or sent', async (t) => {
  const cwd = await makeTempDir(t);
  const never = async (): Promise<string> => assert.fail('standard input was read');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['digest', 'r.test/a:1', '-u', 'me'], /cli\/missing-value[\s\S]*--password-stdin/],
    [['digest', 'r.test/a:1', '--password-stdin'], /cli\/missing-value[\s\S]*--username/],
    [['digest', 'r.test/a:1', '-u', 'me:you', '--password-stdin'], /cli\/bad-value/],
    [['digest', 'r.test/a:1', '-u', 'me', '--password-stdin', '-f', '-'], /cli\/conflict/],
    [['tag', 'r.test/a:1', 'r.test/b', 's.test/b', '-u', 'me', '--password-stdin'], /r\.test,\s+s\.test/],
  ];
  for (const [argv, expected] of cases) {
    const io = createFakeIo(argv, { cwd, env: {}, readStdin: never });
    assert.equal(await runCli(io), EXIT.usage, argv.join(' '));
    assert.match(io.err(), expected);
  }
  const empty = await call(['digest', 'r.test/a:1', '-u', 'me', '--password-stdin'], '\n', cwd);
  assert.equal(empty.code, EXIT.usage);
  assert.match(empty.err, /no password came/);
});

test('only the one registry gets what was given', async () => {
  const source = createCredentialSource({
    DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'other.test': { username: 'o', password: 'p' } } }),
  });
  const signed = withSignIn(source, { registry: 'r.test:5000', username: 'me', password: 'secret' });
  const find = async (host: string) => {
    const found = await signed.find(host, 'a/b');
    return found.ok ? found.value : found.error;
  };
  assert.deepEqual(await find('r.test:5000'), { kind: 'basic', username: 'me', password: 'secret' });
  assert.deepEqual(await find('other.test'), { kind: 'basic', username: 'o', password: 'p' });
  assert.equal(await find('r.test'), undefined);
});

test('at a terminal the password is asked for, and who goes away is not signed in', async (t) => {
  const cwd = await makeTempDir(t);
  const asked: string[] = [];
  const readStdin = async (): Promise<string> => assert.fail('standard input was read');
  const answers = [
    [{ kind: 'interrupted' }, /no password was entered/],
    [{ kind: 'ended' }, /no password was entered/],
    [{ kind: 'line', text: '' }, /no password came/],
  ] as const;
  for (const [answer, words] of answers) {
    const io = createFakeIo(['digest', 'r.test/a:1', '-u', 'me', '--password-stdin'], {
      cwd,
      readStdin,
      askHidden: async (question) => {
        asked.push(question);
        return answer;
      },
    });
    assert.equal(await runCli(io), EXIT.usage);
    assert.match(io.err(), words);
  }
  assert.deepEqual(new Set(asked), new Set(['Password for me at r.test: ']));
});

test('what is typed at the question is not shown, and the terminal is given back', async () => {
  const ask = async (typed: string) => {
    const modes: boolean[] = [];
    const setRawMode = (mode: boolean) => modes.push(mode);
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode });
    let shown = '';
    const output = new PassThrough().on('data', (chunk) => {
      shown += chunk;
    });
    const answer = askHidden('Password: ', input, output);
    input.write(typed);
    const given = await answer;
    output.end();
    await finished(output);
    return { answer: given, shown, modes };
  };
  assert.deepEqual(await ask('s3crex\x7ft!\r'), {
    answer: { kind: 'line', text: 's3cret!' },
    shown: 'Password: \n',
    modes: [true, false],
  });
  assert.deepEqual((await ask('ab\x03')).answer, { kind: 'interrupted' });
  assert.deepEqual((await ask('\x04')).answer, { kind: 'ended' });
});
