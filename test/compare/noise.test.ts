/** What of differences does not count: known noise, told apart from real differences of the same files, and what is ignored. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compareTrees, readLayer, type Tree } from '../../lib/compare/layer.ts';
import { counts, KNOWN_NOISE } from '../../lib/compare/mod.ts';
import { type DifferenceRules, markChanges, settlerOf } from '../../lib/compare/noise.ts';
import { readPathPattern } from '../../lib/util/path-pattern.ts';
import { writeLayer } from '../rig/fake-tar.ts';
import { repoPath } from '../rig/paths.ts';

type Files = Readonly<Record<string, string | Buffer>>;

const USUAL: DifferenceRules = { isStrict: false, ignore: [] };
const TAR = 'application/vnd.oci.image.layer.v1.tar';

async function treeOf(files: Files, mode = 0o644): Promise<Tree> {
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    mode,
    content: path.endsWith('/') ? undefined : Buffer.from(content),
  }));
  const bytes = writeLayer(entries);
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  };
  return readLayer(chunks(), TAR, settlerOf);
}

/** `path`, with why it does not count behind it. */
async function compare(one: Files, other: Files, rules = USUAL, modes: readonly number[] = []) {
  const [before, after] = [await treeOf(one, modes[0]), await treeOf(other, modes[1])];
  return markChanges(compareTrees(before, after), before, after, rules).map((change) => {
    assert.equal(counts(change), change.noise === undefined && change.ignored === undefined);
    const why = change.noise ?? (change.ignored === undefined ? undefined : `ignored ${change.ignored}`);
    return `${change.change} ${change.path}${why === undefined ? '' : `: ${why}`}`;
  });
}

function bytecode(mtime: number, code = 'code', flags = 0): Buffer {
  const head = Buffer.from('a70d0d0a000000000000000007000000', 'hex');
  head.writeUInt32LE(flags, 4);
  head.writeUInt32LE(mtime, 8);
  return Buffer.concat([head, Buffer.from(code)]);
}

test('compiled Python is noise where only the time of its source differs, and not where its code does', async () => {
  const path = 'usr/lib/python3/__pycache__/x.cpython-311.pyc';
  const noise = [`changed ${path}: python-bytecode`];
  const real = [`changed ${path}`];
  const pair = (one: Buffer, other: Buffer) => compare({ [path]: one }, { [path]: other });
  assert.deepEqual(await pair(bytecode(1), bytecode(2)), noise);
  assert.deepEqual(await pair(bytecode(1), bytecode(2, 'evil')), real);
  assert.deepEqual(await pair(bytecode(1), bytecode(2, 'codes')), real);
  // With a hash of the source in place of its time, there is no time to differ in.
  assert.deepEqual(await pair(bytecode(1, 'code', 1), bytecode(2, 'code', 1)), real);
  assert.deepEqual(await pair(bytecode(1), bytecode(2, 'code', 1)), real);
  assert.deepEqual(await pair(Buffer.from('short'), Buffer.from('shore')), real);
  assert.deepEqual(await compare({ 'x.pyc': bytecode(1) }, { 'x.pyc': bytecode(2) }), [
    'changed x.pyc: python-bytecode',
  ]);
  // Larger than what is read into memory for it.
  const large = 'x'.repeat(8 * 1024 * 1024);
  assert.deepEqual(await pair(bytecode(1, large), bytecode(2, large)), real);
});

test('of the passwords only the day of their last change is noise', async () => {
  const noise = ['changed etc/shadow: password-age'];
  const real = ['changed etc/shadow'];
  const pair = (one: string, other: string) => compare({ 'etc/shadow': one }, { 'etc/shadow': other });
  const line = (day: string, password = '!') => `root:*:100:0:::::\napp:${password}:${day}:0:99999:7:::\n`;
  assert.deepEqual(await pair(line('19000'), line('20001')), noise);
  assert.deepEqual(await pair(line('19000'), line('20001', '$y$1')), real);
  assert.deepEqual(await pair(line('19000'), `${line('20001')}new:!:1:0:99999:7:::\n`), real);
  // No day, or 0, which asks for another password at once.
  assert.deepEqual(await pair(line('19000'), line('')), real);
  assert.deepEqual(await pair(line('19000'), line('0')), real);
  assert.deepEqual(await compare({ 'x/etc/shadow': line('1') }, { 'x/etc/shadow': line('2') }), [
    'changed x/etc/shadow',
  ]);
});

test('a machine is named by a random number, and by nothing else', async () => {
  const [one, other] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)];
  const pair = (before: string, after: string) =>
    compare({ 'etc/machine-id': before }, { 'etc/machine-id': after });
  assert.deepEqual(await pair(`${one}\n`, `${other}\n`), ['changed etc/machine-id: machine-id']);
  assert.deepEqual(await pair(`${one}\n`, ''), ['changed etc/machine-id']);
  assert.deepEqual(await pair(`${one}\n`, 'uninitialized\n'), ['changed etc/machine-id']);
  assert.deepEqual(await pair(`${one}\n`, `${other}\n${other}\n`), ['changed etc/machine-id']);
});

test('what npm has cached is noise in its times, and not in the checksums of packages', async () => {
  const path = 'root/.npm/_cacache/index-v5/a/b/c';
  const entry = (hash: string, time: number, integrity = 'sha512-x', date = `${time}`) =>
    `\n${hash.repeat(40)}\t${JSON.stringify({ key: 'k', integrity, time, metadata: { time, resHeaders: { date } } })}`;
  const pair = (one: string, other: string) => compare({ [path]: one }, { [path]: other });
  assert.deepEqual(await pair(entry('a', 1), entry('b', 2)), [`changed ${path}: npm-cache`]);
  assert.deepEqual(await pair(entry('a', 1), entry('b', 2, 'sha512-y')), [`changed ${path}`]);
});

test('logs whose names are times may come and go where they cannot be run; no other file may', async () => {
  const log = (second: number) => `root/.npm/_logs/2026-11-29T21_20_0${second}_885Z-debug-0.log`;
  const both = [{ [log(1)]: 'a' }, { [log(2)]: 'b' }] as const;
  assert.deepEqual(await compare(...both), [`removed ${log(1)}: npm-log`, `added ${log(2)}: npm-log`]);
  assert.deepEqual(await compare(...both, USUAL, [0o644, 0o755]), [
    `removed ${log(1)}: npm-log`,
    `added ${log(2)}`,
  ]);
  assert.deepEqual(await compare({}, { 'root/.npm/_logs/evil.log': '' }), ['added root/.npm/_logs/evil.log']);
  assert.deepEqual(await compare({}, { [`${log(1)}/`]: '' }), [`added ${log(1)}`]);
  for (const path of ['a.pyc', 'var/log/dpkg.log', 'var/log/apt/new.log', 'etc/machine-id', 'etc/shadow']) {
    assert.deepEqual(await compare({}, { [path]: '' }), [`added ${path}`]);
    assert.deepEqual(await compare({ [path]: '' }, {}), [`removed ${path}`]);
  }
});

test('logs and caches are noise in their contents alone', async () => {
  const path = 'var/log/dpkg.log';
  assert.deepEqual(await compare({ [path]: 'a' }, { [path]: 'bb' }), [`changed ${path}: dpkg-log`]);
  assert.deepEqual(await compare({ [path]: 'a' }, { [path]: 'b' }, USUAL, [0o644, 0o755]), [
    `changed ${path}`,
  ]);
  assert.deepEqual(await compare({ [path]: 'a' }, { [path]: 'a' }, USUAL, [0o644, 0o755]), [
    `changed ${path}`,
  ]);
  assert.deepEqual(await compare({ [path]: 'a' }, { [`${path}/`]: '' }), [`changed ${path}`]);
  assert.deepEqual(await compare({ [path]: 'a' }, { [path]: 'b' }, { isStrict: true, ignore: [] }), [
    `changed ${path}`,
  ]);
  const caches = {
    'var/log/apt/history.log': 'apt-log',
    'var/log/apt/term.log': 'apt-log',
    'var/log/alternatives.log': 'dpkg-log',
    'var/log/bootstrap.log': 'debootstrap-log',
    'var/cache/ldconfig/aux-cache': 'ldconfig-cache',
    'var/cache/fontconfig/3830d5c3-le64.cache-8': 'fontconfig-cache',
    'var/log/apk.log': 'package-log',
    'var/log/dnf.log': 'package-log',
    'var/log/zypp/history': 'package-log',
  };
  for (const [file, name] of Object.entries(caches))
    assert.deepEqual(await compare({ [file]: 'a' }, { [file]: 'b' }), [`changed ${file}: ${name}`]);
  // Programs and people go by these.
  const real = ['etc/ld.so.cache', 'var/lib/dpkg/status', 'var/cache/apt/pkgcache.bin', 'usr/bin/x'];
  for (const file of [...real, 'x/var/log/dpkg.log', 'tmp/x'])
    assert.deepEqual(await compare({ [file]: 'a' }, { [file]: 'b' }), [`changed ${file}`]);
});

test('nothing counts of a path that is ignored, and known noise that is ignored is not noise', async () => {
  const ignore = ['/var/**', '*.log'].flatMap((text) => readPathPattern(text) ?? []);
  const one = { 'var/log/dpkg.log': 'a', 'var/gone': '', 'etc/x.log': 'a', 'etc/y': 'a' };
  const other = { 'var/log/dpkg.log': 'b', 'etc/x.log': 'b', 'etc/y': 'b', 'etc/.wh.z.log': '' };
  assert.deepEqual(await compare(one, other, { isStrict: false, ignore }), [
    'added etc/.wh.z.log: ignored *.log',
    'changed etc/x.log: ignored *.log',
    'changed etc/y',
    'removed var/gone: ignored /var/**',
    'changed var/log/dpkg.log: ignored /var/**',
  ]);
  assert.deepEqual(await compare({}, { 'var/.wh..wh..opq': '', '.wh.var': '' }, { isStrict: true, ignore }), [
    'added .wh.var',
    'added var/.wh..wh..opq: ignored /var/**',
  ]);
});

test('every entry of the list is a pattern that can be matched, and is in the documentation with its reason', async () => {
  const text = await readFile(repoPath('docs/verify.md'), 'utf8');
  for (const { name, paths, why } of KNOWN_NOISE) {
    for (const path of paths) {
      assert(readPathPattern(path) !== undefined, path);
      assert(text.includes(`\`${path}\``), `${path} is not in docs/verify.md`);
    }
    assert(text.includes(`| \`${name}\` |`), `${name} is not in docs/verify.md`);
    assert(why.length > 0);
  }
  const names = KNOWN_NOISE.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const documented = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(documented, names);
});
