/** Names of results in the engine's store, and where results lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatImageRef } from '../../lib/model/mod.ts';
import { locationOf, storeName, storeNames } from '../../lib/run/store-names.ts';
import { makeNode } from '../rig/plan-nodes.ts';
import { makeTag } from '../rig/sets.ts';

const A = `sha256:${'a'.repeat(64)}` as const;
const nameOf = (build: string, root = '/project') =>
  formatImageRef(storeName({ root, isolated: false }, build));

test('a name is of one build of one project, and valid whatever the build is called', () => {
  // The head of the sha256 of `/project`.
  assert.equal(nameOf('app'), '127.0.0.1:1/bake/app:ea0135bca5e3');
  assert.notEqual(nameOf('app', '/other'), nameOf('app'));
  assert.match(nameOf('App_one'), /^127\.0\.0\.1:1\/bake\/app-one-[0-9a-f]{8}:ea0135bca5e3$/);
  assert.match(nameOf('--a..b--'), /\/bake\/a-b-[0-9a-f]{8}:/);
  assert.match(nameOf('é'), /\/bake\/build-[0-9a-f]{8}:/);
  assert.notEqual(nameOf('a_b'), nameOf('a.b'));
  assert.notEqual(nameOf('é'), nameOf('è'));
});

test('a requested build has its tags in the store, and its own name where it is read or has no tag', () => {
  const root = '/project';
  const own = nameOf('x');
  const tags = [makeTag('r.example/x:1'), makeTag('r.example/x:2')];
  const texts = ['r.example/x:1', 'r.example/x:2'];
  assert.deepEqual(storeNames({ root, isolated: false, isListed: () => true }, makeNode({ tags })), texts);
  assert.deepEqual(storeNames({ root, isolated: false, isListed: () => true }, makeNode()), [own]);
  assert.deepEqual(
    storeNames({ root, isolated: false, isListed: () => true }, makeNode({ tags }, { neededBy: ['y'] })),
    [...texts, own],
  );
  assert.deepEqual(
    storeNames({ root, isolated: false, isListed: () => true }, makeNode({ tags }, { role: 'needed' })),
    [own],
  );
  assert.deepEqual(
    storeNames(
      { root, isolated: false, isListed: () => true },
      makeNode({ tags }, { role: 'needed', neededBy: ['y'] }),
    ),
    [own],
  );
});

test('where the store cannot be listed, every build has a name of its own there', () => {
  const naming = { root: '/project', isolated: false, isListed: () => false };
  const tags = [makeTag('r.example/x:1')];
  assert.deepEqual(storeNames(naming, makeNode({ tags })), ['r.example/x:1', nameOf('x')]);
});

test('what is pushed lies in the first repository, the rest in the store of a worker that keeps images', () => {
  const keeps = {
    root: '/project',
    isolated: false,
    worker: () => 'containerd' as const,
    isListed: () => true,
  };
  const keepsNone = { root: '/project', isolated: false, worker: () => 'oci' as const, isListed: () => true };
  const tags = [makeTag('r.example/one:1'), makeTag('r.example/two:1')];
  const pushed = makeNode({ tags }, { pushes: true });
  const ref = { registry: 'r.example', repository: 'one', digest: A };
  assert.deepEqual(locationOf(keeps, pushed, A, false), { kind: 'registry', ref });
  assert.deepEqual(locationOf(keepsNone, pushed, A, false), { kind: 'registry', ref });
  const stored = { ...storeName({ root: '/project', isolated: false }, 'x'), digest: A };
  assert.deepEqual(locationOf(keeps, makeNode({ tags }), A, true), {
    kind: 'store',
    ref: stored,
    confirmed: true,
  });
  assert.deepEqual(locationOf(keeps, makeNode({ tags }), A, false), {
    kind: 'store',
    ref: stored,
    confirmed: false,
  });
  assert.equal(locationOf(keepsNone, makeNode({ tags }), A, true), undefined);
});
