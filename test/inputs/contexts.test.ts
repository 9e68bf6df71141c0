/** The files of local contexts: hashed as the Dockerfile reads them, and looked at again once they were sent. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { DockerfileFacts } from '../../lib/dockerfile/mod.ts';
import { ContextHasher } from '../../lib/fingerprint/mod.ts';
import { hashContexts, touchedInContext } from '../../lib/inputs/contexts.ts';
import type { Build, ContextSource } from '../../lib/model/mod.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

const SPAN = {} as NonNullable<ContextSource['span']>;

async function makeHasher(t: Cleanup): Promise<ContextHasher> {
  const hasher = new ContextHasher({ stateDirectory: await makeTempDir(t, 'stats-') });
  t.after(() => hasher.close());
  return hasher;
}

async function hash(t: Cleanup, build: Partial<Build>, ...names: readonly string[]) {
  const hasher = await makeHasher(t);
  const node = makeNode(build);
  const facts = { reads: new Map(names.map((name) => [name, 'all'])) } as unknown as DockerfileFacts;
  const signal = new AbortController().signal;
  return { hasher, node, signal, ...(await hashContexts({ hasher, signal }, node, facts)) };
}

const local = (dir: string, written: string): ContextSource => ({
  ref: { kind: 'local', path: dir },
  written,
});

test('what is read of local contexts is hashed, each by its name; others are not looked at', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  await writeTree(dir, {
    'main/a': '1',
    'main/.dockerignore': 'left\n',
    'main/left': '',
    'more/b': '2',
    'more/c': '3',
  });
  const { contexts, problems, signal } = await hash(
    t,
    {
      context: { ...local(path.join(dir, 'main'), './main'), span: SPAN },
      contexts: new Map<string, ContextSource>([
        ['more', local(path.join(dir, 'more'), './more')],
        ['unread', local(path.join(dir, 'none'), './none')],
        ['git', { ref: { kind: 'git', url: 'x' }, written: 'x' }],
      ]),
    },
    ...['context', 'more', 'git', 'unknown'],
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(
    contexts.map(({ name, request, hashed }) => [name, request.written, hashed.fileCount, request.span]),
    [
      ['context', './main', 2, SPAN],
      ['more', './more', 2, undefined],
    ],
  );
  assert.match(contexts[0]?.ignoreSignature ?? '', /^\d+ 5 /);
  assert.equal(contexts[1]?.ignoreSignature, '');
  assert.equal(contexts[0]?.request.signal, signal);
  assert(contexts[1] !== undefined && !('span' in contexts[1].request));
});

test('what cannot be read is a problem of the build, and the other contexts are read all the same', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  await writeTree(dir, { 'main/.dockerignore': '[\n', 'more/b': '2' });
  const { contexts, problems } = await hash(
    t,
    {
      context: local(path.join(dir, 'main'), './main'),
      contexts: new Map([
        ['none', local(path.join(dir, 'none'), './none')],
        ['more', local(path.join(dir, 'more'), './more')],
      ]),
    },
    ...['context', 'none', 'more'],
  );
  assert.deepEqual(
    contexts.map(({ name }) => name),
    ['more'],
  );
  assert.equal(problems[0]?.code, 'dockerfile/ignore-pattern');
  assert(problems.length >= 2 && problems.every(({ build }) => build === 'x'));
});

test('what was touched since is named, and the ignore file is part of it', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  const touchedBy = async (tree: Readonly<Record<string, string>>, dockerfile = 'Dockerfile') => {
    await writeTree(dir, { 'main/.dockerignore': 'left\n!left/not\n', 'main/a': '1', 'main/left/x': '' });
    const { hasher, node, contexts } = await hash(
      t,
      {
        context: local(path.join(dir, 'main'), './main'),
        dockerfile: { kind: 'file', path: path.join(dir, dockerfile), written: dockerfile },
      },
      'context',
    );
    await writeTree(dir, tree);
    const [context] = contexts;
    assert(context !== undefined);
    return touchedInContext(hasher, node, context);
  };
  assert.deepEqual(await touchedBy({}), []);
  assert.deepEqual(await touchedBy({ 'main/left/x': 'changed' }), []);
  assert.deepEqual(await touchedBy({ 'main/a': '22' }), ['main/a']);
  const ignore = 'what ./main leaves out';
  assert.deepEqual((await touchedBy({ 'main/.dockerignore': 'left\nleft/not\n' }))[0], ignore);
  assert.deepEqual((await touchedBy({ 'main/.dockerignore': '[\n' }))[0], ignore);
  // The same text written again: what was there in between may have been sent.
  assert.deepEqual((await touchedBy({ 'main/.dockerignore': 'left\n!left/not\n' }))[0], ignore);
  // Another one that goes before it.
  assert.deepEqual((await touchedBy({ 'main/Own.dockerignore': 'left\n' }, 'main/Own'))[0], ignore);
});

test('where a context is gone, all of it was touched', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  await writeTree(dir, { 'main/a': '1' });
  const { hasher, node, contexts } = await hash(
    t,
    { context: local(path.join(dir, 'main'), './main') },
    'context',
  );
  const [context] = contexts;
  assert(context !== undefined);
  await rm(path.join(dir, 'main'), { recursive: true });
  assert.deepEqual(await touchedInContext(hasher, node, context), ['main']);
});

test('the ignore file beside the Dockerfile is that of the main context only', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  await writeTree(dir, { 'main/a': '1', 'more/a': '1', 'Own.dockerignore': 'a\n', Own: '' });
  const { contexts } = await hash(
    t,
    {
      context: local(path.join(dir, 'main'), './main'),
      contexts: new Map([['more', local(path.join(dir, 'more'), './more')]]),
      dockerfile: { kind: 'file', path: path.join(dir, 'Own'), written: 'Own' },
    },
    ...['context', 'more'],
  );
  assert.deepEqual(
    contexts.map(({ name, hashed }) => [name, hashed.fileCount]),
    [
      ['context', 0],
      ['more', 1],
    ],
  );
});

test('a signature is not all: the patterns are compared too, for clocks that are too coarse', async (t) => {
  const dir = await makeTempDir(t, 'contexts-');
  await writeTree(dir, { '.dockerignore': 'a\n!b\nc\n' });
  const { hasher, node, contexts } = await hash(t, { context: local(dir, '.') }, 'context');
  const [context] = contexts;
  assert(context !== undefined);
  const { ignore } = context.request;
  const [a, b, c] = ignore.rules;
  assert(a !== undefined && b !== undefined && c !== undefined);
  const touched = (rules: typeof ignore.rules) =>
    touchedInContext(hasher, node, {
      ...context,
      request: { ...context.request, ignore: { ...ignore, rules } },
    });
  assert.deepEqual(await touched([a, b, c]), []);
  const flip = (rule: typeof a) => ({ ...rule, isException: !rule.isException });
  const runTogether = { ...a, pattern: `${a.pattern}!${b.pattern}` };
  for (const rules of [
    [a, b],
    [a, c, b],
    [flip(a), b, c],
    [a, flip(b), c],
    [runTogether, c],
  ])
    assert.deepEqual((await touched(rules))[0], 'what . leaves out');
});
