/**
 * The config of an image whose parent's config changed, against what the real engine made of it. The images are recorded
 * (`test/e2e/rebase-engine.test.ts`, which also makes cases by chance); here nothing is built.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readImageConfig, writeImageConfig } from '../../lib/inputs/image-json.ts';
import {
  findVisibleChange,
  type ImageOfPlatform,
  type ParentChange,
  rebaseConfig,
} from '../../lib/inputs/rebase.ts';
import { repoPath } from '../rig/paths.ts';
import { seededRandom } from '../rig/random.ts';
import { CASES, type RecordedCase, rebaseRecorded } from '../rig/rebase-cases.ts';
import { spellImage as image, type SpelledParts as Parts } from '../rig/spelled-image.ts';

const RECORDED: readonly RecordedCase[] = JSON.parse(
  readFileSync(repoPath('test/inputs/golden/rebase.json'), 'utf8'),
);

for (const one of CASES) {
  test(`re-basing: ${one.name}: ${one.outcome ?? 'the bytes of the engine'}`, () => {
    const recorded = RECORDED.find(({ name }) => name === one.name);
    assert(recorded !== undefined, 'it is not recorded');
    assert.equal(rebaseRecorded(recorded), one.outcome ?? recorded.child.after);
  });
}

const NO_LABELS = { before: new Map<string, string>(), after: new Map<string, string>() };

function change(before: Omit<Parts, 'layers'>, after: Omit<Parts, 'layers'>): ParentChange {
  return { before: image({ layers: 1, ...before }), after: image({ layers: 1, ...after }) };
}

function whyNot(child: ImageOfPlatform, parent: ParentChange | undefined, labels = NO_LABELS): string {
  const rebased = rebaseConfig(child, parent, labels);
  return rebased.kind === 'unsure' ? rebased.why : rebased.text;
}

test('labels are written as Go does: sorted by their bytes, whatever their names are', () => {
  const labels = {
    before: new Map(),
    after: new Map([
      ['10', 'a'],
      ['9', '<'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['ﬀ', '1'],
      ['😀', '2'],
    ]),
  };
  assert.equal(
    whyNot(image({ layers: 1 }), undefined, labels),
    image({
      layers: 1,
      labels: '{"10":"a","9":"\\u003c","__proto__":"p","constructor":"c","ﬀ":"1","😀":"2"}',
    }).config,
  );
});

test('a config that the engine would write otherwise is left to the engine', () => {
  const strange = [
    image({ layers: 1, more: '"Hostname":"x"' }),
    image({ layers: 1, top: ',"moby.buildkit.cache.v0":"x"' }),
    image({ layers: 1, more: '"WorkingDir":"/","Cmd":["a"]' }),
    image({ layers: 1, labels: '{"b":"1","a":"1"}' }),
    image({ layers: 1, labels: '{"a":"<"}' }),
    image({ layers: 1, more: '"Healthcheck":{"Interval":9223372036854775807}' }),
    {
      ...image({ layers: 1 }),
      config: image({ layers: 1 }).config.replace(
        '"created":"2024-01-01T00:00:00Z","created_by"',
        '"created_by"',
      ),
    },
    { ...image({ layers: 1 }), config: `${image({ layers: 1 }).config}\n` },
    { ...image({ layers: 1 }), config: 'null' },
  ];
  const labels = { before: new Map(), after: new Map([['a', '1']]) };
  for (const child of strange) {
    assert.equal(
      whyNot(child, undefined, labels),
      'its config is not in the form that the engine writes',
      child.config,
    );
    assert.equal(
      findVisibleChange({ before: child, after: image({ layers: 1 }) }),
      'a config that is not in the form that the engine writes',
    );
  }
  assert.match(
    whyNot(image({ layers: 1 }), undefined, { before: new Map(), after: new Map([['a', '\b']]) }),
    /unusual/,
  );
  assert.match(
    whyNot(image({ layers: 1 }), undefined, { before: new Map(), after: new Map([['a', '\ud800']]) }),
    /unusual/,
  );
});

test('a parent that the image is not based on, or with something else for steps to see, is left to the engine', () => {
  const moved = change({ labels: '{"a":"1"}' }, { labels: '{"a":"2"}' });
  const child = image({ layers: 2, labels: '{"a":"1"}' });
  assert.equal(whyNot(child, moved), image({ layers: 2, labels: '{"a":"2"}' }).config);
  const base = 'it is not based on the recorded result of its parent';
  assert.equal(
    whyNot(
      image({ layers: 2, labels: '{"a":"1"}', steps: ['LABEL a=1'] }),
      change({ labels: '{"a":"1"}', steps: ['USER x'] }, {}),
    ),
    base,
  );
  assert.equal(whyNot({ ...child, layers: [...child.layers].reverse() }, moved), base);
  assert.equal(whyNot(image({ layers: 2, top: ',"variant":"v8"' }), moved), base);
  assert.equal(whyNot(child, { ...moved, after: image({ layers: 2 }) }), 'layers of its parent differ');
  assert.equal(
    whyNot(child, { before: { ...moved.before, layers: [] }, after: { ...moved.after, layers: [] } }),
    'layers and history of its parent differ',
  );
  for (const more of [
    '"Env":["A=1"]',
    '"User":"u"',
    '"WorkingDir":"/w"',
    '"Shell":["s"]',
    '"OnBuild":["RUN x"]',
  ])
    assert.match(
      whyNot(child, change({ labels: '{"a":"1"}' }, { more })),
      /^(Env|User|WorkingDir|Shell|OnBuild) of its parent differ$/,
    );
  assert.equal(
    whyNot(child, change({ labels: '{"a":"1"}' }, { top: ',"variant":"v8"' })),
    'variant of its parent differ',
  );
});

test('a history that does not explain the config is left to the engine', () => {
  const moved = change({ labels: '{"a":"1"}' }, { labels: '{"a":"2"}' });
  assert.equal(
    whyNot(image({ layers: 2, labels: '{"a":"1"}', steps: ['FETCH x'] }), moved),
    'its history has an unknown entry: FETCH x',
  );
  assert.match(whyNot(image({ layers: 2, labels: '{"a":"3"}' }), moved), /its label a/);
  assert.equal(
    whyNot(image({ layers: 2, labels: '{}' }), moved),
    'its config does not follow from its history',
  );
  assert.match(whyNot(image({ layers: 2 }), moved), /its label a/);
  // A command of which its history says nothing.
  const odd = image({ layers: 2, labels: '{"a":"1"}', more: '"StopSignal":"9"' });
  assert.equal(whyNot(odd, moved), 'its config does not follow from its history');
});

test('a parent of later times is left to the engine: it may put an epoch over them', () => {
  const child = image({ layers: 2, created: '2024-01-01T00:00:00.5Z' });
  const times: readonly (readonly [string, boolean])[] = [
    ['2024-01-01T00:00:00.5Z', true],
    ['2024-01-01T00:00:00.499999999Z', true],
    ['2024-01-01T01:00:00.5+01:00', true],
    ['2024-01-01T00:00:00.50Z', true],
    ['2023-12-31T23:59:59.9Z', true],
    ['2024-01-01T00:00:00.500000001Z', false],
    ['2024-01-01T00:00:01Z', false],
    ['yesterday', false],
    ['2023-01-01T00:00:00Zulu', false],
  ];
  for (const [created, isFine] of times) {
    const parent = {
      before: image({ layers: 1, created: '2024-01-01T00:00:00.5Z' }),
      after: image({ layers: 1, created }),
    };
    assert.equal(whyNot(child, parent) === 'its parent is newer than it', !isFine, created);
  }
});

test('one later time in the history of a parent is enough', () => {
  const parent = change({ steps: ['LABEL x=1'] }, { steps: ['LABEL x=1'] });
  const after = parent.after.config.replace('"created":"2024', '"created":"2034');
  assert.notEqual(after, parent.after.config);
  // That of the image itself is not looked at, that of an entry is.
  const lastEntry = parent.after.config.replace('"history":[{"created":"2024', '"history":[{"created":"2034');
  assert.notEqual(lastEntry, parent.after.config);
  const child = image({ layers: 2, steps: ['LABEL x=1'] });
  assert.equal(
    rebaseConfig(child, { ...parent, after: { ...parent.after, config: after } }, NO_LABELS).kind,
    'config',
  );
  assert.equal(
    whyNot(child, { ...parent, after: { ...parent.after, config: lastEntry } }),
    'its parent is newer than it',
  );
});

test('every field that steps see, of the platform too, and every layer counts', () => {
  const labels = '{"a":"1"}';
  const child = image({ layers: 2, labels });
  const before = image({ layers: 1, labels });
  const other = (from: string, to: string) => {
    const config = before.config.replace(from, to);
    assert.notEqual(config, before.config);
    return whyNot(child, { before, after: { ...before, config } });
  };
  const system = '"os":"linux"';
  assert.equal(other('"amd64"', '"arm64"'), 'architecture of its parent differ');
  assert.equal(other(system, '"os":"windows"'), 'os of its parent differ');
  assert.equal(other(system, `${system},"os.features":["f"]`), 'os.features of its parent differ');
  assert.equal(other(system, `${system},"os.version":"1"`), 'os.version of its parent differ');
  assert.equal(other('"Labels"', '"User":"u","Env":["A=b"],"Labels"'), 'Env, User of its parent differ');
  // Layers, as the manifest has them and as the config has them.
  const text = { ...before, layers: before.layers.map((one) => ({ ...one, text: `${one.text} ` })) };
  assert.equal(whyNot(child, { before, after: text }), 'layers of its parent differ');
  assert.equal(other(`aaaa"]`, `aaab"]`), 'layers of its parent differ');
  // As many layers, contents and entries of the history as there are.
  const both = (from: string, to: string) => {
    const config = before.config.replace(from, to);
    return whyNot(child, { before: { ...before, config }, after: { ...before, config } });
  };
  const uneven = 'layers and history of its parent differ';
  const entry = '{"created":"2024-01-01T00:00:00Z","created_by":"COPY x"}';
  assert.equal(both('"history":[', `"history":[${entry},`), uneven);
  assert.equal(both('"diff_ids":[', `"diff_ids":["sha256:x",`), uneven);
  // A config that cannot be read, before or after.
  const odd = { ...before, config: `${before.config} ` };
  const unread = 'the config of its parent is not in the form that the engine writes';
  assert.equal(whyNot(child, { before: odd, after: before }), unread);
  assert.equal(whyNot(child, { before, after: odd }), unread);
  const none = image({ layers: 0, labels });
  assert.equal(whyNot(child, { before: none, after: none }), 'its parent has no layers');
});

test('labels that were given have to be there as they were given', () => {
  const given = (before: string, after: string) => ({
    before: new Map([['a', before]]),
    after: new Map([['a', after]]),
  });
  const child = image({ layers: 1, labels: '{"a":"1"}' });
  assert.equal(whyNot(child, undefined, given('1', '2')), image({ layers: 1, labels: '{"a":"2"}' }).config);
  assert.equal(whyNot(child, undefined, given('2', '3')), 'its label a differs from the given value');
  assert.equal(
    whyNot(image({ layers: 1 }), undefined, given('1', '2')),
    'its label a differs from the given value',
  );
});

test('what is inherited follows the parent, and what is its own stays', () => {
  const rows: readonly (readonly [string, Omit<Parts, 'layers'>, Omit<Parts, 'layers'>, Parts, string])[] = [
    [
      'how its arguments are quoted (Windows)',
      { more: '"Cmd":["a"],"ArgsEscaped":true' },
      { more: '"Cmd":["b"]' },
      { layers: 2, more: '"Cmd":["a"],"ArgsEscaped":true' },
      image({ layers: 2, more: '"Cmd":["b"]' }).config,
    ],
    [
      'the same where it has a command of its own',
      { more: '"ArgsEscaped":true' },
      {},
      { layers: 2, more: '"Cmd":["own"],"ArgsEscaped":true', steps: ['CMD own'] },
      image({ layers: 2, more: '"Cmd":["own"],"ArgsEscaped":true', steps: ['CMD own'] }).config,
    ],
    [
      'a signal of its own',
      { more: '"StopSignal":"9"' },
      { more: '"StopSignal":"10"' },
      { layers: 2, more: '"StopSignal":"11"', steps: ['STOPSIGNAL 11'] },
      image({ layers: 2, more: '"StopSignal":"11"', steps: ['STOPSIGNAL 11'] }).config,
    ],
    [
      'a parent without ports any more',
      { more: '"ExposedPorts":{"80/tcp":{}}' },
      {},
      { layers: 2, more: '"ExposedPorts":{"80/tcp":{}}' },
      image({ layers: 2 }).config,
    ],
    [
      'volumes that go and may be its own',
      { more: '"Volumes":{"/a":{},"/b":{}}' },
      {},
      { layers: 2, more: '"Volumes":{"/a":{},"/b":{}}', steps: ['VOLUME /a'] },
      'its parent no longer has VOLUME /a /b, which it may set itself',
    ],
    [
      'a label of the name of something else that it does',
      { labels: '{"a":"1"}' },
      { labels: '{"a":"2"}' },
      { layers: 2, labels: '{"a":"1"}', steps: ['ARG a=1'] },
      image({ layers: 2, labels: '{"a":"2"}', steps: ['ARG a=1'] }).config,
    ],
    [
      'an entry that only holds an instruction',
      { labels: '{"a":"1"}' },
      { labels: '{"a":"2"}' },
      { layers: 2, labels: '{"a":"1"}', steps: ['FETCH and RUN x'] },
      'its history has an unknown entry: FETCH and RUN x',
    ],
  ];
  for (const [name, was, is, child, expected] of rows)
    assert.equal(whyNot(image(child), change(was, is)), expected, name);
});

test('there and back again gives the image as it was, whatever the parent had in between', () => {
  const random = seededRandom(7);
  const labelsOf = () => {
    const all = ['a', 'b', 'c', 'd']
      .filter(() => random.below(2) === 0)
      .map((name) => `"${name}":"${random.below(3)}"`);
    return all.length === 0 ? {} : { labels: `{${all.join(',')}}` };
  };
  const extra = () => random.pick(['', '"StopSignal":"9"', '"StopSignal":"10"']);
  let done = 0;
  for (let round = 0; round < 300; round++) {
    const [one, other] = [
      { ...labelsOf(), more: extra(), steps: [`LABEL round=${round}`] },
      { ...labelsOf(), more: extra() },
    ];
    const child = { ...image({ layers: 2, ...one }) };
    const there = rebaseConfig(child, change(one, other), NO_LABELS);
    if (there.kind === 'unsure') continue;
    const back = rebaseConfig({ ...child, config: there.text }, change(other, one), NO_LABELS);
    assert.deepEqual(back, { kind: 'config', text: child.config });
    const read = readImageConfig(there.text);
    assert(read !== undefined);
    assert.equal(writeImageConfig(read), there.text);
    done++;
  }
  assert.equal(done, 300);
});
