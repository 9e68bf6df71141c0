import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../cli/app.ts';
import type { Io } from '../../cli/io.ts';
import { type Answer, createPrompt, type Prompt } from '../../cli/prompt.ts';
import { createFakeIo } from '../rig/fake-io.ts';
import { makeTree, type TreeEntry } from '../rig/temp.ts';

const FROM = 'FROM debian:12\n';

/** Somebody who gives these answers, and what was asked. */
function answering(...answers: readonly (string | Answer['kind'])[]) {
  const asked: string[] = [];
  const left = [...answers];
  const prompt: Prompt = {
    ask: async (question) => {
      asked.push(question);
      const next = left.shift() ?? 'ended';
      return next === 'interrupted' || next === 'ended' ? { kind: next } : { kind: 'line', text: next };
    },
    close: () => {},
  };
  return { asked, openPrompt: async () => prompt };
}

async function callInit(
  t: TestContext,
  files: Readonly<Record<string, TreeEntry>>,
  changes: Partial<Io> & { readonly argv?: readonly string[] } = {},
) {
  const cwd = await makeTree(t, files);
  const io = createFakeIo(['init', ...(changes.argv ?? [])], {
    env: {},
    ...changes,
    cwd,
    argv: ['init', ...(changes.argv ?? [])],
  });
  const code = await runCli(io);
  const yaml = await readFile(join(cwd, 'builds.yaml'), 'utf8').catch(() => undefined);
  return { code, yaml, out: io.out(), err: io.err(), files: await readdir(cwd) };
}

test('init says what it was made from, and asks nobody who is not there', async (t) => {
  const { code, yaml, err } = await callInit(t, {
    'docker-bake.json': JSON.stringify({ target: { app: { context: 'app' } } }),
    'app/Dockerfile': FROM,
    'web/Dockerfile': FROM,
  });
  assert.equal(code, 0);
  assert.equal(
    err,
    'made from docker-bake.json and one Dockerfile that it does not name\nwrote builds.yaml\n',
  );
  assert.match(yaml ?? '', /REGISTRY: localhost:5000\n/);
  assert.match(yaml ?? '', /push: true\n/);
});

test('at a terminal init asks what no file says, and Enter takes the defaults', async (t) => {
  const files = { 'app/Dockerfile': FROM, 'test/case/Dockerfile': FROM };
  const enter = answering('', '', '');
  const byDefault = await callInit(t, files, { openPrompt: enter.openPrompt });
  assert.deepEqual(enter.asked, [
    'Which ones to exclude? Numbers, "all", or Enter for none: ',
    'Registry, with an owner where it has some [localhost:5000]: ',
    'Push the images after building? [Y/n] ',
  ]);
  assert.match(byDefault.err, /^ {2}1 {2}test\/case\/Dockerfile$/m);
  assert.equal(byDefault.yaml, (await callInit(t, files)).yaml);

  const own = answering('7', '1', 'no good', 'https://ghcr.io/acme/', 'n');
  const { yaml = '', err } = await callInit(t, files, { openPrompt: own.openPrompt });
  assert.equal(own.asked.length, 5);
  assert.match(err, /"7" is neither the number 1 nor "all"\n/);
  assert.match(err, /"no good" cannot start an image name/);
  assert.match(yaml, /REGISTRY: ghcr\.io\/acme\n/);
  assert.doesNotMatch(yaml, /push:|case/);
});

test('init asks neither in CI, nor into a pipe, nor where all is said by a bake file', async (t) => {
  const files = { 'app/Dockerfile': FROM };
  for (const changes of [
    { env: { CI: 'true' } },
    { argv: ['-o', '-'] },
    { argv: ['--output=-'], env: { CI: '' } },
  ]) {
    const { asked, openPrompt } = answering();
    const { code } = await callInit(t, files, { ...changes, openPrompt });
    assert.deepEqual([code, asked], [0, []]);
  }
  const { asked, openPrompt } = answering();
  const bake = JSON.stringify({ target: { app: { context: 'app' } } });
  const { code } = await callInit(t, { ...files, 'docker-bake.json': bake }, { openPrompt });
  assert.deepEqual([code, asked], [0, []]);
});

test('Ctrl-C and Ctrl-D at any question end init, and nothing is written', async (t) => {
  const files = { 'app/Dockerfile': FROM, 'test/case/Dockerfile': FROM };
  for (const kind of ['interrupted', 'ended'] as const) {
    for (const before of [[], [''], ['', '']]) {
      const { openPrompt } = answering(...before, kind);
      const { code, yaml, err } = await callInit(t, files, { openPrompt });
      assert.deepEqual([code, yaml], [130, undefined]);
      assert.match(err, /nothing was written\n$/);
    }
  }
});

test('a file that is there is written over after a yes, and left alone after anything else', async (t) => {
  const files = { 'docker-bake.json': JSON.stringify({ target: { app: {} } }), 'builds.yaml': 'mine' };
  for (const [answer, isKept] of [
    ['y', false],
    ['', true],
    ['ended', true],
    ['interrupted', true],
  ] as const) {
    const { openPrompt } = answering(answer);
    const { code, yaml } = await callInit(t, files, { openPrompt });
    assert.deepEqual([code, yaml === 'mine'], [isKept ? 2 : 0, isKept]);
  }
});

test('whether a file may be written over is asked before anything else, and only once', async (t) => {
  const files = { 'app/Dockerfile': FROM, 'test/case/Dockerfile': FROM, 'builds.yaml': 'mine' };
  const over = 'builds.yaml already exists. Overwrite it? [y/N] ';
  const no = answering('n');
  const kept = await callInit(t, files, { openPrompt: no.openPrompt });
  assert.deepEqual([kept.code, kept.yaml, no.asked], [2, 'mine', [over]]);
  assert.match(kept.err, /cli\/file-exists/);
  const yes = answering('y', '1', 'ghcr.io/acme', 'n');
  const written = await callInit(t, files, { openPrompt: yes.openPrompt });
  assert.equal(written.code, 0, written.err);
  assert.equal(yes.asked.length, 4);
  assert.equal(yes.asked[0], over);
  assert.match(written.yaml ?? '', /REGISTRY: ghcr\.io\/acme\n/);
});

/** A prompt over streams; what was typed comes as from a terminal. */
function typing() {
  const input = new PassThrough();
  let shown = '';
  const output = new PassThrough();
  output.on('data', (chunk) => {
    shown += String(chunk);
  });
  return { input, prompt: createPrompt(input, output), shown: () => shown };
}

test('a prompt gives line after line, also those that came before their question', async () => {
  const { input, prompt, shown } = typing();
  const first = prompt.ask('one? ');
  input.write('a\rb\rc\r');
  assert.deepEqual(await first, { kind: 'line', text: 'a' });
  assert.deepEqual(await prompt.ask('two? '), { kind: 'line', text: 'b' });
  assert.deepEqual(await prompt.ask('three? '), { kind: 'line', text: 'c' });
  prompt.close();
  assert.match(shown(), /one\? .*two\? b\nthree\? c\n/s);
});

test('a prompt tells Ctrl-C from Ctrl-D, and says so to every later question', async () => {
  for (const [key, kind] of [
    ['\u0003', 'interrupted'],
    ['\u0004', 'ended'],
  ] as const) {
    const { input, prompt } = typing();
    const asked = prompt.ask('? ');
    input.write(key);
    assert.deepEqual(await asked, { kind });
    assert.deepEqual(await prompt.ask('? '), { kind });
  }
  const { input, prompt } = typing();
  const asked = prompt.ask('? ');
  input.end();
  assert.deepEqual(await asked, { kind: 'ended' });
});

test('the schema is named where it lies beside the new builds.yaml, and nowhere else', async (t) => {
  const app = { 'app/Dockerfile': FROM };
  const alone = await callInit(t, app);
  assert.match(alone.yaml ?? '', /^# Proposed by/);
  const installed = { ...app, 'node_modules/bake-ts/schemas/builds.schema.json': '{}' };
  const line = '# yaml-language-server: $schema=./node_modules/bake-ts/schemas/builds.schema.json\n';
  const beside = await callInit(t, installed);
  assert.equal(beside.yaml, line + alone.yaml);
  const printed = await callInit(t, installed, { argv: ['-o', '-'] });
  assert.equal(printed.out, beside.yaml);
});
