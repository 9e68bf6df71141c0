/** What builds.yaml gives and the Dockerfile does not take, and the other way round. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { formatPlace } from '../../lib/model/mod.ts';
import { findUnmatched, preparePlan } from '../../lib/prepare/mod.ts';
import { type Cleanup, makeTempDir, writeTree } from '../rig/temp.ts';

type Files = Readonly<Record<string, string>>;

/** `CODE PLACE MESSAGE` of all warnings about the builds. */
async function unmatchedIn(t: Cleanup, files: Files, builds: readonly string[] = []): Promise<string[]> {
  const cwd = await makeTempDir(t, 'unmatched-');
  await writeTree(cwd, files);
  const read = await readBuilds({ cwd, env: {} });
  assert(read.ok, JSON.stringify(read));
  const prepared = preparePlan(read.value.set, { patterns: builds }, cwd);
  assert(prepared.ok, JSON.stringify(prepared));
  return findUnmatched(prepared.value.plan, prepared.value.dockerfiles).map((one) => {
    assert.equal(one.severity, 'warning');
    return `${one.code} ${one.span === undefined ? '-' : formatPlace(one.span)} ${one.message}`;
  });
}

const one = (dockerfile: string, more: string): Files => ({
  'builds.yaml': `builds:\n  app: { context: ., ${more} }\n`,
  Dockerfile: dockerfile,
});

test('a secret that is mounted and not given is said at its mount, required or not', async (t) => {
  const dockerfile = `FROM scratch
RUN --mount=type=secret,id=npm true
RUN --mount=type=secret,id=key,required=true true
RUN --mount=type=secret,target=/run/file true
`;
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, 'tags: [x]')), [
    'build/secret-not-given Dockerfile:2:5 `app` mounts the secret `npm`, which it does not provide; the step runs without it',
    'build/secret-not-given Dockerfile:3:5 `app` mounts the secret `key`, which it does not provide: the step fails',
    'build/secret-not-given Dockerfile:4:5 `app` mounts the secret `file`, which it does not provide; the step runs without it',
  ]);
});

test('what stages need that are not built is not asked for', async (t) => {
  const dockerfile = 'FROM scratch AS a\nRUN --mount=type=secret,id=npm true\nFROM scratch AS b\n';
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, 'target: b')), []);
});

test('a secret that is given and mounted nowhere is said where it is given', async (t) => {
  const dockerfile = 'FROM scratch AS other\nRUN --mount=type=secret,id=npm true\nFROM scratch\n';
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, 'secrets: ["id=npm,env=A", "id=nmp,env=B"]')), [
    'build/secret-not-mounted builds.yaml:2:48 `app` is given the secret `nmp`, which no step of the Dockerfile mounts',
  ]);
});

test('an id that depends on a variable may be any id, and is none that is missed', async (t) => {
  const dockerfile = 'FROM alpine\nRUN --mount=type=secret,id=$WHICH true\n';
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, 'secrets: ["id=npm,env=A"]')), []);
  const known = 'FROM alpine\nARG WHICH=npm\nRUN --mount=type=secret,id=$WHICH true\n';
  assert.deepEqual(await unmatchedIn(t, one(known, 'tags: [x]')), [
    'build/secret-not-given Dockerfile:3:5 `app` mounts the secret `npm`, which it does not provide; the step runs without it',
  ]);
});

test('an argument that no ARG declares is said where it is given; what BuildKit knows is not', async (t) => {
  const dockerfile = 'ARG BASE=scratch\nFROM $BASE AS a\nARG VERSION\nFROM $BASE\nONBUILD ARG LATER\n';
  const args =
    'args: { VERSOIN: "1", BASE: scratch, VERSION: "2", LATER: x, https_proxy: p, HTTP_PROXY: p, BUILDKIT_INLINE_CACHE: "1", SOURCE_DATE_EPOCH: "0", TARGETARCH: x }';
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, args)), [
    'build/arg-not-declared builds.yaml:2:39 `app` is given the argument `VERSOIN`, which no ARG of the Dockerfile declares',
  ]);
});

test('nothing is said of other frontends', async (t) => {
  const dockerfile = '# syntax=example.com/frontend\nanything\n';
  assert.deepEqual(await unmatchedIn(t, one(dockerfile, 'args: { A: b }, secrets: ["id=x,env=X"]')), []);
});

test('what triggers of a base take that is built here is taken', async (t) => {
  const found = await unmatchedIn(t, {
    'builds.yaml': `builds:
  base: { context: ., dockerfile-inline: "FROM alpine\\nONBUILD ARG MODE\\nONBUILD RUN --mount=type=secret,id=npm true\\n" }
  app: { context: ., dockerfile-inline: "FROM base\\n", args: { MODE: x, MOED: y }, secrets: ["id=npm,env=A"] }
`,
  });
  assert.deepEqual(
    found.map((text) => text.split(' ').slice(2).join(' ')),
    ['`app` is given the argument `MOED`, which no ARG of the Dockerfile declares'],
  );
});

const SHARED = `templates:
  common:
    args: { VERSION: "1", UNUSED: "2" }
    secrets: ["id=npm,env=A", "id=spare,env=B"]
builds:
  a: { extends: common, context: ., dockerfile-inline: "FROM scratch\\nARG VERSION\\n" }
  b: { extends: common, context: ., dockerfile-inline: "FROM scratch\\nRUN --mount=type=secret,id=npm true\\n" }
`;

test('what one place gives to several builds is said once, and only where none of them takes it', async (t) => {
  const files = { 'builds.yaml': SHARED };
  const said = (who: string) => [
    `build/arg-not-declared builds.yaml:3:35 ${who} given the argument \`UNUSED\`, which no ARG of the Dockerfile declares`,
    `build/secret-not-mounted builds.yaml:4:31 ${who} given the secret \`spare\`, which no step of the Dockerfile mounts`,
  ];
  assert.deepEqual((await unmatchedIn(t, files)).sort(), said('`a` and `b` are'));
  // Also where only one of them is planned.
  assert.deepEqual((await unmatchedIn(t, files, ['b'])).sort(), said('`b` is'));
});

test('a sensitive value in an argument is said once for a build, where the argument is given', async (t) => {
  const found = await unmatchedIn(t, {
    'builds.yaml': `vars:
  PW: { default: hunter22, sensitive: true }
  SHORT: { default: abc, sensitive: true }
builds:
  app:
    context: .
    args: { PLAIN: x, SHORT: "\${{ vars.SHORT }}", NOTE: "is \${{ vars.PW }}", MORE: "\${{ vars.PW }}" }
    labels: { note: "\${{ vars.PW }}" }
    opts: { hostname: "h-\${{ vars.PW }}" }
  other: { context: ., args: { PLAIN: y } }
`,
    Dockerfile: 'FROM scratch\nARG PLAIN SHORT NOTE MORE\n',
  });
  assert.deepEqual(found, [
    'build/sensitive-arg builds.yaml:7:57 `app` is given a sensitive value as a build argument (`NOTE`, `MORE`, `opts.hostname`): the list of processes shows it, and the history of the image may, too',
  ]);
});
