/** What is wrong with targets and groups of bake files, and when it counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../../lib/model/mod.ts';
import { selectBuilds } from '../../lib/plan/mod.ts';
import { findMistakes, preparePlan } from '../../lib/prepare/mod.ts';
import { chosen, problemsIn, setOf } from './bake-support.ts';
import { line, read } from './support.ts';

const BROKEN = `target "ok" { context = "." }
target "link" { context = "target:ok" }
target "shm" { shm-size = "qq" }
target "limits" { ulimits = ["zz=1"] }
target "platform" { platforms = ["linux/foo/bar"] }
target "annotated" { annotations = ["zz"] }
target "child" { inherits = ["nope"] }
target "reader" { contexts = { x = "target:nope" } }
target "above" { contexts = { x = "target:shm" } }
target "tagged" { tags = ["reg.example.com/Upper"] }
group "more" { targets = ["ok", "nope"] }
`;

test('what is wrong with one target counts where that target is planned, and validate tells all of it', async () => {
  const set = await setOf({ 'docker-bake.hcl': BROKEN });
  const planned = (...patterns: string[]) => {
    const result = preparePlan(set, { patterns }, '/');
    return result.ok ? [] : result.error.map((one) => line(one).split(' | ')[0]);
  };
  assert.deepEqual(planned('ok'), []);
  const expected: Readonly<Record<string, RegExp>> = {
    link: /^config\/context docker-bake\.hcl:2:\d+ «"target:ok"»/,
    shm: /^bake\/value docker-bake\.hcl:3:16 .* "qq" is not a valid size/,
    limits: /^bake\/value docker-bake\.hcl:4:\d+ .*zz/,
    platform: /^\w+\/\w+ docker-bake\.hcl:5:\d+ .*foo/,
    annotated: /^bake\/value docker-bake\.hcl:6:\d+ .*zz/,
    child: /^bake\/unknown-name docker-bake\.hcl:7:30 «"nope"» Target "child" inherits from "nope"/,
    reader: /^bake\/unknown-name docker-bake\.hcl:8:\d+ «"target:nope"» Target "reader" reads target "nope"/,
    above: /^bake\/value docker-bake\.hcl:3:16 .* "qq" is not a valid size/,
    more: /^bake\/unknown-name docker-bake\.hcl:11:33 «"nope"» Group "more" names "nope"/,
  };
  for (const [name, words] of Object.entries(expected)) {
    const [first = '', ...rest] = planned('ok', name);
    assert.match(first, words, name);
    assert.deepEqual(rest, [], name);
  }
  assert.deepEqual(
    planned('shm', 'more').map((one) => /:(\d+):/.exec(one ?? '')?.[1]),
    ['11', '3'],
  );
  const all = (await problemsIn({ 'docker-bake.hcl': BROKEN })).join('\n');
  for (const words of Object.values(expected)) assert.match(all, new RegExp(words.source, 'm'));
});

test('a warning about a target is given where that target is planned', async () => {
  const hcl = `${BROKEN}target "odd" {\n  context = "."\n  tagz = ["x"]\n}\ntarget "kid" { inherits = ["odd"] }\n`;
  const set = await setOf({ 'docker-bake.hcl': hcl });
  const told = (...patterns: string[]) => {
    const result = preparePlan(set, { patterns }, '/');
    assert(result.ok);
    return result.value.missing.filter(({ severity }) => severity === 'warning').map(line);
  };
  assert.deepEqual(told('ok'), []);
  assert.match(told('tagged').join(), /^config\/bad-tag docker-bake\.hcl:10:/);
  assert.match(told('odd').join(), /^bake\/unknown-name docker-bake\.hcl:14:3 .*tagz/);
  assert.match(told('kid').join(), /^bake\/unknown-name docker-bake\.hcl:14:3 .*tagz/);
});

test('what is wrong with an override belongs to the targets that it is for; what it is for must be there', async () => {
  const hcl = 'target "a" { context = "." }\ntarget "b" { context = "." }\n';
  const set = await setOf({ 'docker-bake.hcl': hcl }, { overrides: ['b.shm-size=qq'] });
  assert.equal(preparePlan(set, { patterns: ['a'] }, '/').ok, true);
  const b = preparePlan(set, { patterns: ['b'] }, '/');
  assert.match(b.ok ? '' : b.error.map(line).join(), /bake\/value .*"qq"/);
});

test('a builds.yaml over a bake file is wrong as a whole; what the bake file says stays with its targets', async () => {
  const tree = {
    'docker-bake.hcl': 'target "a" { context = "." }\ntarget "b" { shm-size = "qq" }\n',
    'more.yaml': 'include: [docker-bake.hcl]\nbuilds:\n  a: { timeout: 5m }\n',
  };
  const set = await setOf(tree, { files: ['more.yaml'] });
  assert.equal(preparePlan(set, { patterns: ['a'] }, '/').ok, true);
  assert.equal(preparePlan(set, { patterns: ['b'] }, '/').ok, false);
  const own = { ...tree, 'more.yaml': 'include: [docker-bake.hcl]\nbuilds:\n  a: { shm-size: qq }\n' };
  assert.match((await problemsIn(own, { files: ['more.yaml'] })).join(), /^config\/\S+ more\.yaml:3:/);
});

test('what many targets share is told once, with how many have it', async () => {
  const hcl = `target "t" {
  name = "t-\${v}"
  matrix = { v = ["1", "2", "3", "4", "5", "6", "7", "8"] }
  context = "none"
  shm-size = "qq"
}
`;
  const set = await setOf({ 'docker-bake.hcl': hcl });
  const relatedOf = (problems: readonly Problem[]) =>
    problems.map(({ code, related = [] }) => [code, ...related.map(({ message }) => message)].join(': '));
  assert.deepEqual(relatedOf(findMistakes(set)), [
    'bake/value: 8 builds have it: t-1, t-2, t-3, t-4, t-5, t-6 and 2 more',
  ]);
  const right = await setOf({ 'docker-bake.hcl': hcl.replace('"qq"', '"1g"') });
  const plan = preparePlan(right, { patterns: ['t'] }, '/');
  assert(plan.ok);
  assert.deepEqual(relatedOf(plan.value.missing), [
    'context/missing: 8 builds have it: t-1, t-2, t-3, t-4, t-5, t-6 and 2 more',
  ]);
});

test('several wrong attributes of one target are told at once', async () => {
  const hcl = `target "a" {
  secret = ["id=x,bogus=1"]
  output = ["type=regsitry"]
  annotations = ["zz"]
  shm-size = "qq"
}
`;
  const lines = await problemsIn({ 'docker-bake.hcl': hcl });
  assert.deepEqual(
    lines.map((one) => / docker-bake\.hcl:(\d):/.exec(one)?.[1]).sort(),
    ['2', '3', '4', '5'],
    lines.join('\n'),
  );
});

test('a pattern says what it leaves out, and why; targets with tags of their own are not left out', async () => {
  const hcl = `target "app" { tags = ["reg.example.com/app:1"] }
target "app-dev" {
  inherits = ["app"]
  tags = ["reg.example.com/app:dev"]
}
target "app-meta" { tags = ["reg.example.com/x:1"] }
target "app-x" { inherits = ["app-meta"] }
target "app-check" { call = "check" }
target "_app" {}
`;
  const set = await setOf({ 'docker-bake.hcl': hcl });
  const told = (...patterns: string[]) => {
    const result = preparePlan(set, { patterns }, '/');
    assert(result.ok);
    return result.value.missing.filter(({ code }) => code === 'plan/left-out').map(({ message }) => message);
  };
  assert.deepEqual(chosen(set, 'app*'), ['app', 'app-dev', 'app-x']);
  assert.deepEqual(told('app*'), [
    '`app*` leaves out `app-meta` (others inherit from it), `app-check` (it only queries the frontend (`call`))',
  ]);
  assert.deepEqual(told('app*', 'app-meta'), [
    '`app*` leaves out `app-check` (it only queries the frontend (`call`))',
  ]);
  // What means nothing else means these, as in bake.
  assert.deepEqual([chosen(set, '_*'), told('_*')], [['_app'], []]);
  assert.deepEqual(told('app'), []);
  assert.deepEqual(told(), []);
});

test('targets that inherit from one another are not parents of anything else', async () => {
  const hcl = 'target "a" { inherits = ["b"] }\ntarget "b" { inherits = ["a"] }\n';
  assert.deepEqual(chosen(await setOf({ 'docker-bake.hcl': hcl }), '*'), ['a', 'b']);
});

test('where `call` leaves nothing to build, that is said', async () => {
  const tree = { 'docker-bake.hcl': 'target "z" { context = "." }\n' };
  const set = await setOf(tree, { overrides: ['z.call=check'] });
  const selected = selectBuilds(set, { patterns: [] });
  assert.deepEqual(selected.ok ? [] : selected.error.map(line), [
    'plan/empty-selection - no build is selected | To check the Dockerfile, run bake-ts lint z: targets with `call` build nothing.',
  ]);
  const group = await setOf({
    'docker-bake.hcl': 'group "g" { targets = ["z"] }\ntarget "z" { call = "check" }\n',
  });
  const none = selectBuilds(group, { patterns: ['g'] });
  assert.match(none.ok ? '' : none.error.map(line).join('\n'), /group `g` is built without `z`/);
});

test('a value whose name sounds secret is in no words of a problem', async () => {
  const value = 'hunter2-and-more';
  const hcl = `variable "MY_TOKEN" {
  default = ""
  validation {
    condition = MY_TOKEN == "right"
    error_message = "not \${MY_TOKEN}"
  }
}
target "a" { context = "." }
`;
  const open = hcl.replace(/ {2}validation[\s\S]*?\n {2}}\n/, '');
  const files: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['MY_TOKEN', { 'docker-bake.hcl': hcl }],
    ['MY_TOKEN', { 'docker-bake.hcl': `${open}target "b" { resources = { memory = MY_TOKEN } }\n` }],
    ['MY_TOKEN', { 'docker-bake.hcl': `${open}target "b" { contexts = { x = "target:\${MY_TOKEN}" } }\n` }],
    ['MY_TOKEN', { 'docker-bake.hcl': `${open}target "b" { args = { A = { a = 1 }[MY_TOKEN] } }\n` }],
    [
      'MY_TOKEN',
      { 'docker-bake.hcl': `${open}target "b" { tags = ["r.example/\${upper(MY_TOKEN)}x:\${MY_TOKEN}"] }\n` },
    ],
    ['MY_TOKEN', { 'docker-bake.hcl': `${open}target "b" { inherits = [MY_TOKEN] }\n` }],
    ['MY_TOKEN', { 'docker-bake.hcl': `${open}group "g" { targets = [MY_TOKEN] }\n` }],
    [
      'MY_TOKEN',
      {
        'compose.yaml': 'services: { a: { build: { context: ., ulimits: { nofile: "${MY_TOKEN}" } } } }\n',
      },
    ],
    [
      '',
      {
        'compose.yaml': 'services: { a: { build: { context: ., shm_size: "${MY_TOKEN}" } } }\n',
        '.env': `MY_TOKEN=${value}\n`,
      },
    ],
    [
      'MY_TOKEN_JSON',
      {
        'docker-bake.hcl': `variable "MY_TOKEN" { type = list(string) }\ntarget "b" { shm-size = MY_TOKEN[0] }\n`,
      },
    ],
  ];
  for (const [name, tree] of files) {
    const given = name === 'MY_TOKEN_JSON' ? JSON.stringify([value]) : value;
    const told = await problemsIn(tree, name === '' ? {} : { env: { [name]: given } });
    assert.notEqual(told.length, 0, JSON.stringify(tree));
    assert.ok(!told.join('\n').includes(value), told.join('\n'));
  }
  // Others are shown.
  const tree = { 'docker-bake.hcl': 'variable "MEM" {}\ntarget "b" { shm-size = MEM }\n' };
  assert.match((await problemsIn(tree, { env: { MEM: value } })).join(), /hunter2-and-more/);
});

test('words of problems are no longer than can be read', async () => {
  for (const hcl of [
    `target "a" { shm-size = ${'9'.repeat(100_000)} }\n`,
    `target "a" { shm-size = "${'z'.repeat(100_000)}" }\n`,
    `target "a" { args = { A = ${'z'.repeat(100_000)} } }\n`,
  ]) {
    const result = await read('', { tree: { 'docker-bake.hcl': hcl } });
    const problems = result.ok ? findMistakes(result.value.set) : result.error;
    assert.notEqual(problems.length, 0);
    for (const { message, hint = '' } of problems) assert.ok(message.length + hint.length < 5000);
  }
});

test('of very many mistakes two hundred are told, and how many more there are', async () => {
  const hcl = Array.from({ length: 250 }, (_, at) => `target "t${at}" { shm-size = "qq" }\n`).join('');
  const lines = await problemsIn({ 'docker-bake.hcl': hcl });
  assert.equal(lines.length, 201);
  assert.equal(lines.at(-1), 'bake/target - 50 more problems of targets are not shown');
});

test('a bake file of more than 8 MiB is none', async () => {
  const hcl = `target "a" {}\n#${'x'.repeat(8 * 1024 * 1024)}\n`;
  assert.match((await problemsIn({ 'docker-bake.hcl': hcl })).join(), /^config\/file-too-big /);
});
