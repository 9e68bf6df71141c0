/** `engine:` of files and of builds. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { printOne, problemsOf, readSet } from './support.ts';

const BUILDS = 'builds: { a: {} }\n';

/** `engine:` as it is read, without the places. */
async function engineOf(
  yaml: string,
  tree: Readonly<Record<string, string>> = {},
  files?: readonly string[],
) {
  const { set } = await readSet(yaml, { tree, ...(files === undefined ? {} : { files }) });
  if (set.engine === undefined) return undefined;
  const { pool, ...rest } = set.engine;
  return { ...rest, pool: pool.map(({ span: _, ...entry }) => entry), root: set.root };
}

test('a pool has addresses, maps and pods, with paths of TLS from the file that says them', async () => {
  const engine = await engineOf(`${BUILDS}
vars: { PORT: "1234", MORE: { default: null, optional: true } }
engine:
  pool:
    - tcp://b1.example.com:\${{ vars.PORT }}
    - address: tcp://arm.example.com:1234
      platforms: [linux/aarch64]
      jobs: 8
      labels: [big, gpu=a100]
    - kubernetes: { namespace: ci, selector: "app=buildkitd,tier in (a, b)", container: buildkitd, context: prod }
      jobs: "2"
    - \${{ vars.MORE }}
    - null
  tls: { ca: certs/ca.pem, cert: /etc/me.pem, key: "~/me.key", serverName: engines.example.com }
  scratch: registry.example.com/ci/scratch
`);
  assert(engine !== undefined);
  const { root, ...rest } = engine;
  assert.deepEqual(rest, {
    pool: [
      { address: 'tcp://b1.example.com:1234', platforms: [], labels: [] },
      {
        address: 'tcp://arm.example.com:1234',
        platforms: ['linux/arm64'],
        jobs: 8,
        labels: ['big', 'gpu=a100'],
      },
      {
        kubernetes: {
          selector: 'app=buildkitd,tier in (a, b)',
          namespace: 'ci',
          container: 'buildkitd',
          context: 'prod',
        },
        platforms: [],
        jobs: 2,
        labels: [],
      },
    ],
    tls: {
      ca: path.join(root, 'certs/ca.pem'),
      cert: '/etc/me.pem',
      // There is no home in the environment of this test.
      key: path.join(root, '~/me.key'),
      serverName: 'engines.example.com',
    },
    scratch: { registry: 'registry.example.com', repository: 'ci/scratch' },
  });
});

test('expressions give the whole pool, items, pods and lists', async () => {
  const engine = await engineOf(`${BUILDS}
vars:
  ENGINES: { default: ["unix:///run/b.sock", { address: "ssh://me@host", jobs: 2, labels: ["$\${{x}}"] }] }
  PODS: { default: { selector: "app=b" } }
engine:
  pool: \${{ vars.ENGINES + [{"kubernetes": vars.PODS, "platforms": ["linux/arm/v7"]}] }}
`);
  assert.deepEqual(engine?.pool, [
    { address: 'unix:///run/b.sock', platforms: [], labels: [] },
    // What is computed is text, whatever it looks like.
    { address: 'ssh://me@host', platforms: [], jobs: 2, labels: ['${{x}}'] },
    { kubernetes: { selector: 'app=b' }, platforms: ['linux/arm/v7'], labels: [] },
  ]);
});

test('a later file says which engines in place of an earlier one; TLS is merged by key, each from its own file', async () => {
  const tree = {
    'base/one.yaml': `${BUILDS}engine: { address: tcp://one:1, tls: { ca: ca.pem, serverName: s } }`,
    'over/two.yaml': 'engine: { pool: [tcp://two:1, tcp://three:1], tls: { ca: own.pem } }',
    'over/three.yaml': 'engine: { address: tcp://four:1 }',
  };
  const two = await engineOf('', tree, ['base/one.yaml', 'over/two.yaml']);
  assert.deepEqual(
    [two?.address, two?.pool.map(({ address }) => address)],
    [undefined, ['tcp://two:1', 'tcp://three:1']],
  );
  assert.deepEqual(two?.tls, { ca: path.join(two?.root ?? '', '../over/own.pem'), serverName: 's' });
  const three = await engineOf('', tree, ['base/one.yaml', 'over/two.yaml', 'over/three.yaml']);
  assert.deepEqual([three?.address, three?.pool], ['tcp://four:1', []]);
  const none = await engineOf(`${BUILDS}engine: { pool: [null, ""], tls: null }`);
  assert.equal(none, undefined);
});

test('all that is wrong with engines is told at once, with its place', async () => {
  const found = await problemsOf(`${BUILDS}
engine:
  address: tcp://a:1
  pool:
    - tcpp://b:1
    - tcp://c:1
    - { address: "tcp://d:1", platforms: [linux/amd65], jobs: "0", labels: ["two words"] }
    - { jobs: 3 }
    - { address: "tcp://e:1", kubernetes: { selector: app=x } }
    - { kubernetes: { namespace: Ci } }
    - { address: "tcp://c:1" }
    - { kubernetes: { selector: s, context: c } }
    - { kubernetes: { selector: s, context: c, container: x } }
  tls: { cert: me.pem }
  scratch: localhost:5000/ci/scratch:latest
`);
  assert.deepEqual(
    found.map((one) => one.replace(/ \|.*$/s, '')),
    [
      'config/engine builds.yaml:4:12 «tcp://a:1» `engine` has an `address` and a `pool`',
      'config/engine builds.yaml:6:7 «tcpp://b:1» "tcpp://b:1" is not a valid address of a buildkitd',
      'config/platform builds.yaml:8:43 «linux/amd65» "linux/amd65" is not a platform: there is no architecture "amd65"',
      'config/engine builds.yaml:8:63 «"0"» "jobs" must be a whole number from 1 to 999, not "0"',
      'config/engine builds.yaml:8:77 «"two words"» "two words" is not a valid label of an engine',
      'config/engine builds.yaml:9:7 «{ jobs: 3 }» An engine of the pool has neither an `address` nor `kubernetes`',
      'config/engine builds.yaml:10:7 «{ address: "tcp://e:1", kubernetes: { selector: app=x } }» An engine of the pool has both an `address` and `kubernetes`',
      'config/engine builds.yaml:11:21 «{ namespace: Ci }» `kubernetes` has no `selector`',
      'config/engine builds.yaml:11:34 «Ci» "Ci" is not a valid name of a namespace',
      'config/engine builds.yaml:12:18 «"tcp://c:1"» tcp://c:1 is in the pool twice',
      'config/engine builds.yaml:14:7 «{ kubernetes: { selector: s, context: c, container: x } }» s in c is in the pool twice',
      'config/engine builds.yaml:15:16 «me.pem» `engine.tls` has a `cert` but no `key`',
      'config/engine builds.yaml:15:16 «me.pem» `engine.tls` has no `ca`',
      'config/engine builds.yaml:16:12 «localhost:5000/ci/scratch:latest» `engine.scratch` must be a repository without a tag or digest',
    ],
  );
  assert(found.at(-1)?.includes('Write localhost:5000/ci/scratch.'), found.at(-1));
});

test('TLS without an authority is an error, since buildctl would trust no engine or use no TLS', async () => {
  for (const [tls, place] of [
    ['{ serverName: engines.example.com }', '4:22 «engines.example.com»'],
    ['{ cert: me.pem, key: me.key }', '4:16 «me.pem»'],
  ]) {
    const found = await problemsOf(`${BUILDS}
engine:
  tls: ${tls}
`);
    assert.deepEqual(
      found.map((one) => one.replace(/ \|.*$/s, '')),
      [`config/engine builds.yaml:${place} \`engine.tls\` has no \`ca\``],
    );
  }
});

test('shapes that cannot be are told by the schema', async () => {
  const found = await problemsOf(`${BUILDS}
engine:
  pool: [{ address: x, job: 2, jobs: 0 }]
  tls: [ca.pem]
`);
  assert.deepEqual(
    found.map((one) => one.replace(/ \|.*$/s, '')),
    [
      'config/unknown-key builds.yaml:4:24 «job» There is no key "job" in engine.pool.0',
      'config/wrong-type builds.yaml:4:38 «0» "jobs" must be a whole number from 1 on, not the number 0',
      'config/wrong-type builds.yaml:5:3 «tls» "tls" must be a map, not a list',
    ],
  );
});

test('labels of a build come from templates, are replaced by it and by --set, and are shown', async () => {
  const yaml = `
templates: { heavy: { engine: { labels: [big, "\${{ null }}", big] } } }
builds:
  a: { extends: heavy }
  b: { extends: heavy, engine: { labels: [gpu] } }
  c: { extends: heavy, engine: { labels: [] } }
  d: {}
`;
  const { set } = await readSet(yaml);
  assert.deepEqual(
    [...set.builds.values()].map(({ engineLabels }) => engineLabels),
    [['big'], ['gpu'], undefined, undefined],
  );
  const overrides = ['d.engine.labels=big, gpu'];
  assert.deepEqual((await printOne(yaml, 'd', { overrides }))['engine'], { labels: ['big', 'gpu'] });
  assert.equal((await printOne(yaml, 'd'))['engine'], undefined);
  const wrong = await problemsOf('builds: { a: { engine: { labels: ["a b"] }, context: . } }');
  assert.equal(
    wrong[0]?.split(' |')[0],
    'config/engine builds.yaml:1:34 «["a b"]» "a b" is not a valid label of an engine',
  );
});

test('an untrusted file names no engines and asks for none', async () => {
  const { set, warnings } = await readSet('builds: { a: { engine: { labels: [big] } } }', {
    untrusted: true,
  });
  assert.equal(set.builds.get('a')?.engineLabels, undefined);
  assert.equal(warnings.length, 1);
  assert(warnings[0]?.message.includes('`engine`'));
});
