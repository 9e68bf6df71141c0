/** The file that runs the bundle, with a bundle of two files in place of ours: what it keeps of compiling, and when it does without. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CommandResult, runCommand } from '../rig/command.ts';
import { repoPath } from '../rig/paths.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';

const skip = process.versions['deno'] === undefined ? false : 'Deno keeps what it compiles itself';

const MAIN = `
exports.here = __filename;
const later = () => require('./part.cjs');
if (require('node:path').basename(__dirname) !== 'bin') throw new Error('another directory');
if (process.argv[2] === 'fail') throw new Error('as asked');
if (process.argv[2] === 'late') setTimeout(() => { console.log('x'.repeat(300_000)); process.exitCode = 3; }, 50);
else if (process.argv[2] === 'part') console.log(later().word(), later() === later());
else console.log('main');
void require('./import.cjs')('node:fs').then(({ existsSync }) => console.log(existsSync(exports.here)));
`;

interface Place {
  readonly home: string;
  readonly call: (word: string, env?: Readonly<Record<string, string | undefined>>) => Promise<CommandResult>;
  /** The files of the cache, with their paths. */
  readonly kept: () => readonly string[];
}

async function makePlace(t: TestContext): Promise<Place> {
  const dir = await makeTempDir(t);
  const home = path.join(dir, 'home');
  const start = readFileSync(repoPath('.ci/start.cjs'), 'utf8').replace('__BUNDLE__', 'abc');
  await writeTree(dir, {
    'bin/bake-ts.cjs': start,
    'bin/main.cjs': MAIN,
    'bin/import.cjs': 'module.exports = (specifier) => import(specifier);\n',
    'bin/part.cjs': "exports.word = () => 'part';\n",
    'home/.keep': '',
  });
  const cache = path.join(home, '.cache/bake-ts');
  return {
    home,
    call: (word, env = {}) =>
      runCommand([process.execPath, path.join(dir, 'bin/bake-ts.cjs'), word], {
        env: {
          HOME: home,
          XDG_CACHE_HOME: undefined,
          BAKE_TS_HOME: undefined,
          NODE_DISABLE_COMPILE_CACHE: undefined,
          NODE_V8_COVERAGE: undefined,
          ...env,
        },
      }),
    kept: () => (existsSync(cache) ? readdirSync(cache).map((name) => path.join(cache, name)) : []),
  };
}

/** What is in a file of the cache: its index, which begins it. */
function partsOf(file: string): readonly string[] {
  return Object.keys(JSON.parse(readFileSync(file, 'latin1').slice(0, 16_384)) as object).sort();
}

test('what was compiled is kept, for its owner alone, and parts are added as they are used', {
  skip,
}, async (t) => {
  const { call, kept } = await makePlace(t);
  assert.equal((await call('x')).stdout, 'main\ntrue\n');
  const [file = ''] = kept();
  assert.equal(path.basename(file), `code-abc-${process.version}-${process.arch}.bin`);
  assert.deepEqual(partsOf(file), ['main.cjs']);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);

  assert.equal((await call('part')).stdout, 'part true\ntrue\n');
  assert.deepEqual(partsOf(file), ['main.cjs', 'part.cjs']);
  const { ino } = statSync(file);
  for (const [word, says] of [
    ['x', 'main\ntrue\n'],
    ['part', 'part true\ntrue\n'],
  ] as const) {
    const { stdout, stderr, exitCode } = await call(word);
    assert.deepEqual([stdout, stderr, exitCode], [says, '', 0]);
  }
  assert.equal(statSync(file).ino, ino, 'written again though nothing was missing');
  assert.deepEqual(kept(), [file]);
});

test('a file of the bundle that was changed is compiled anew', { skip }, async (t) => {
  const { home, call, kept } = await makePlace(t);
  await call('part');
  await call('part');
  const part = path.join(home, '../bin/part.cjs');
  writeFileSync(part, readFileSync(part, 'utf8').replace('part', 'trap'));
  assert.equal((await call('part')).stdout, 'trap true\ntrue\n');
  assert.equal(kept().length, 1);
});

test('a cache that is broken, or that others may write, is not read', { skip }, async (t) => {
  const { call, kept } = await makePlace(t);
  await call('x');
  const [file = ''] = kept();
  const sound = readFileSync(file);
  for (const broken of ['', 'nothing', sound.subarray(0, 17_000), Buffer.alloc(20_000)]) {
    writeFileSync(file, broken);
    assert.equal((await call('x')).stdout, 'main\ntrue\n');
    assert.deepEqual(partsOf(file), ['main.cjs'], 'not mended');
  }
  const { ino } = statSync(file);
  chmodSync(file, 0o660);
  await call('x');
  assert.notEqual(statSync(file).ino, ino, 'believed');
  assert.equal(statSync(file).mode & 0o777, 0o600);

  chmodSync(path.dirname(file), 0o777);
  const before = statSync(file).ino;
  await call('part');
  assert.equal(statSync(file).ino, before, 'written where others may write');
});

test('nothing is kept where it is not wanted or there is no place for it', { skip }, async (t) => {
  const { home, call, kept } = await makePlace(t);
  await call('x', { NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.deepEqual(kept(), []);
  assert.equal((await call('x', { HOME: undefined })).stdout, 'main\ntrue\n');
  assert.equal((await call('x', { HOME: path.join(home, '.keep') })).stdout, 'main\ntrue\n');
  assert.deepEqual(kept(), []);
  await call('x', { BAKE_TS_HOME: path.join(home, 'own') });
  assert.equal(readdirSync(path.join(home, 'own/cache')).length, 1);
  await call('x', { XDG_CACHE_HOME: path.join(home, 'xdg') });
  assert.equal(readdirSync(path.join(home, 'xdg/bake-ts')).length, 1);
});

test('a run ends when nothing is left to wait for, with all that it wrote and its exit code', {
  skip,
}, async (t) => {
  const { call } = await makePlace(t);
  const { stdout, exitCode } = await call('late');
  assert.equal(stdout.length, 'true\n'.length + 300_001);
  assert.equal(exitCode, 3);
});

test('a run that fails says so as it does without', { skip }, async (t) => {
  const { call, kept } = await makePlace(t);
  for (const env of [{}, {}, { NODE_DISABLE_COMPILE_CACHE: '1' }]) {
    const { exitCode, stderr } = await call('fail', env);
    assert.equal(exitCode, 1);
    assert.match(stderr, /bin\/main\.cjs:5\n.*as asked/);
  }
  assert.equal(kept().length, 1);
});
