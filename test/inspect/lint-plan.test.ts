/** Which Dockerfiles are checked how often, and what of the answers holds, with scripted answers of the frontend. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { type LintOptions, lintPlan } from '../../lib/inspect/mod.ts';
import { fail, formatPlace, type Problem, problem } from '../../lib/model/mod.ts';
import type { EngineAccess } from '../../lib/run/mod.ts';
import { FakeEngine, type FrontendAnswer } from '../rig/fake-engine.ts';
import { accessTo, envOf, prepareIn } from '../rig/fake-world.ts';
import { type Cleanup, makeTempDir, type TreeEntry, writeTree } from '../rig/temp.ts';

const DOCS = 'https://docs.docker.com/go/dockerfile/rule';

interface Printed {
  readonly rule: string;
  readonly line: number;
  readonly text: string;
  readonly words: string;
  readonly url?: string;
  readonly file?: string;
}

/** As the frontend prints a finding. */
function print({ rule, line, text, words, url, file = 'Dockerfile' }: Printed): string {
  const bar = '-'.repeat(20);
  const number = String(line).padStart(4);
  const head = url === undefined ? rule : `${rule} - ${url}`;
  return `\nWARNING: ${head}\n${words}\n${file}:${line}\n${bar}\n${number} | >>> ${text}\n${bar}\n`;
}

const shell = (line: number, text = 'CMD echo hi'): string =>
  print({
    rule: 'JSONArgsRecommended',
    url: `${DOCS}/json-args-recommended/`,
    words: 'JSON arguments recommended for CMD',
    line,
    text,
  });

const undefinedVar = (line: number, text: string, name: string): string =>
  print({
    rule: 'UndefinedVar',
    url: `${DOCS}/undefined-var/`,
    words: `Usage of undefined variable '$${name}'`,
    line,
    text,
  });

async function makeLinting(t: Cleanup, tree: Readonly<Record<string, TreeEntry>>) {
  const dir = await makeTempDir(t, 'lint-');
  const home = await makeTempDir(t, 'lint-home-');
  await writeTree(dir, tree);
  const engine = new FakeEngine();
  const answers: [when: string, answer: FrontendAnswer][] = [];
  engine.frontend = (id, argv) => {
    const text = [`id ${id}`, ...argv].join('\n');
    return answers.find(([when]) => when.split('&').every((part) => text.includes(part)))?.[1] ?? {};
  };
  /** What `frontend.lint` prints where the arguments hold all of these words (joined by `&`). */
  const says = (when: string, ...printed: readonly string[]) =>
    answers.push([`id frontend.lint&${when}`, { stdout: printed.join('') }]);
  const run = async (patterns: readonly string[] = ['*'], more: Partial<LintOptions> = {}) => {
    const prepared = await prepareIn({ dir, home }, patterns);
    return lintPlan({ prepared, env: envOf({ home }), engines: accessTo(engine), ...more });
  };
  const lint = async (patterns?: readonly string[], more?: Partial<LintOptions>) => {
    const linted = await run(patterns, more);
    assert(linted.ok, JSON.stringify(linted));
    return linted.value;
  };
  const found = async (patterns?: readonly string[]) => (await lint(patterns)).problems.map(lineOf);
  return { dir, engine, answers, says, run, lint, found };
}

/** `place severity code build`. */
function lineOf({ span, severity, code, build }: Problem): string {
  return [span === undefined ? '-' : formatPlace(span), severity, code, build ?? ''].join(' ').trim();
}

const ONE = {
  'builds.yaml': 'builds:\n  api: { context: . }\n',
  Dockerfile: 'FROM scratch\nCMD echo hi\nMAINTAINER x\n',
};

test('a finding is a warning at its lines, with its address, and no directory is left over', async (t) => {
  const { lint, says, engine } = await makeLinting(t, ONE);
  says('', shell(2), print({ rule: 'NewRuleOf2Words', line: 3, text: 'MAINTAINER x', words: 'is old' }));
  const leftOver = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('bake-ts-lint-'));
  const before = await leftOver();
  const report = await lint();
  const kept = await leftOver();
  assert.deepEqual(
    kept.filter((name) => !before.includes(name)),
    [],
  );
  assert.deepEqual([report.builds, report.dockerfiles], [1, 1]);
  assert.deepEqual(report.problems.map(lineOf), [
    'Dockerfile:2:1 warning lint/json-args-recommended',
    'Dockerfile:3:1 warning lint/new-rule-of2-words',
  ]);
  const [one, other] = report.problems;
  assert.deepEqual(
    [one?.message, one?.hint],
    ['JSON arguments recommended for CMD', `see ${DOCS}/json-args-recommended/`],
  );
  assert(one !== undefined && !('detail' in one));
  assert.equal(other?.hint, 'skip it with `# check=skip=NewRuleOf2Words` on the first line');
  assert.equal(engine.calls.length, 2);
});

test('a finding about lines that the file does not have says where the frontend saw it', async (t) => {
  const { lint, says } = await makeLinting(t, ONE);
  says('', shell(99), '\nWARNING: NoPlace\nof the whole file\n');
  const { problems } = await lint();
  assert.deepEqual(problems.map(lineOf), [
    '- warning lint/json-args-recommended api',
    '- warning lint/no-place api',
  ]);
  assert.deepEqual(
    problems.map(({ detail }) => detail),
    ['Dockerfile:99', undefined],
  );
});

test('error=true of the file or of the build makes errors', async (t) => {
  const { found, says } = await makeLinting(t, {
    'builds.yaml': `builds:
  a: { context: a }
  b: { context: b }
  c: { context: c, args: { BUILDKIT_DOCKERFILE_CHECK: "skip=X; error = 1 ;experimental=all" } }
  d: { context: a, args: { BUILDKIT_DOCKERFILE_CHECK: "error=false" } }
  e: { context: e }
`,
    'a/Dockerfile': '# first\n  #  check = skip=X;error=true\nFROM scratch\nCMD echo hi\n',
    'b/Dockerfile': '# check=noterror=true\nFROM scratch\nCMD echo hi\n',
    'c/Dockerfile': 'FROM scratch\nCMD echo hi\n',
    'e/Dockerfile': 'FROM scratch\n# check=error=true\nCMD echo hi\n',
  });
  says('BUILDKIT_DOCKERFILE_CHECK=error=false', shell(4));
  says('BUILDKIT_DOCKERFILE_CHECK=skip', shell(2));
  says('/a\n', shell(4));
  says('/b\n', shell(3));
  says('/e\n', shell(3));
  assert.deepEqual((await found()).sort(), [
    'a/Dockerfile:4:1 error lint/json-args-recommended a',
    'a/Dockerfile:4:1 warning lint/json-args-recommended d',
    'b/Dockerfile:3:1 warning lint/json-args-recommended',
    'c/Dockerfile:2:1 error lint/json-args-recommended',
    'e/Dockerfile:3:1 warning lint/json-args-recommended',
  ]);
});

test('builds that differ in nothing that the frontend sees share an answer; findings of all of them are said once', async (t) => {
  const { lint, says, engine } = await makeLinting(t, {
    'builds.yaml': `builds:
  one: { context: ., args: { DIR: /app } }
  two: { context: ., args: { DIR: app } }
  three: { context: ., args: { DIR: app }, tags: [x], labels: { a: b } }
  four: { context: ., args: { DIR: app }, no-cache: true }
  five: { context: ., dockerfile-inline: "FROM scratch" }
  six: { context: ., dockerfile-inline: "FROM scratch" }
  seven: { context: ., dockerfile-inline: "FROM scratch AS x" }
`,
    Dockerfile: 'FROM scratch\nARG DIR\nWORKDIR $DIR\nCMD echo hi\n',
  });
  const relative = print({
    rule: 'WorkdirRelativePath',
    url: `${DOCS}/workdir-relative-path/`,
    words: 'Relative workdir',
    line: 3,
    text: 'WORKDIR $DIR',
  });
  says('DIR=app', relative, shell(4));
  says('DIR=/app', shell(4));
  const { problems, builds, dockerfiles } = await lint();
  assert.deepEqual([builds, dockerfiles], [7, 3]);
  assert.deepEqual(problems.map(lineOf).sort(), [
    'Dockerfile:3:1 warning lint/workdir-relative-path two, three, four',
    'Dockerfile:4:1 warning lint/json-args-recommended',
  ]);
  const asked = engine.calls.filter(({ argv }) => argv.includes('requestid=frontend.lint'));
  // one; two and four; three, whose labels are part of the request; five and six; seven.
  assert.equal(asked.length, 5);
});

test('only what is requested is checked, and what cannot be read is reported without asking', async (t) => {
  const { lint, says, engine } = await makeLinting(t, {
    'builds.yaml': `builds:
  base: { context: base }
  api: { context: api, contexts: { base: "build:base" } }
  none: { context: none }
  bad: { context: bad }
`,
    'base/Dockerfile': 'FROM scratch\nCMD echo hi\n',
    'api/Dockerfile': 'FROM base\nCMD echo hi\n',
    'bad/Dockerfile': 'COPPY a /\n',
  });
  says('/api\n', shell(2));
  const api = await lint(['api']);
  assert.deepEqual([api.builds, api.dockerfiles], [1, 1]);
  assert.deepEqual(api.problems.map(lineOf), ['api/Dockerfile:2:1 warning lint/json-args-recommended']);
  assert(engine.calls.every(({ argv }) => argv.includes('context:base=docker-image://scratch')));
  engine.forgetCalls();
  const wrong = await lint(['none', 'bad']);
  assert.deepEqual([wrong.builds, wrong.dockerfiles, engine.calls], [2, 2, []]);
  assert.deepEqual(wrong.problems.map(({ code, build }) => `${code} ${build}`).sort(), [
    'context/missing none',
    'dockerfile/unknown-instruction bad',
  ]);
  const some = await lint(['none', 'api']);
  assert.deepEqual(some.problems.map(({ code }) => code).sort(), [
    'context/missing',
    'lint/json-args-recommended',
  ]);
  assert.equal(engine.calls.length, 2);
});

const LINKED = {
  'builds.yaml': `builds:
  base: { context: base }
  middle: { context: middle, contexts: { base: "build:base" } }
  top: { context: top, contexts: { middle: "build:middle" } }
`,
  'base/Dockerfile': 'FROM scratch\nENV APP_DIR=/app\n',
  'middle/Dockerfile': 'FROM base\nENV LEVEL=2\n',
  'top/Dockerfile':
    'FROM scratch AS other\nENV O=$APP_DIR\nFROM middle AS build\nWORKDIR ${APP_DIR}\nENV A=$LEVEL\nENV B=$NOWHERE\nFROM build\nENV C=$LEVEL\n',
};

test('variables that a build below sets are neither undefined nor empty', async (t) => {
  const { found, says } = await makeLinting(t, LINKED);
  const workdir = print({
    rule: 'WorkdirRelativePath',
    url: `${DOCS}/workdir-relative-path/`,
    words: 'Relative workdir',
    line: 4,
    text: 'WORKDIR ${APP_DIR}',
  });
  says(
    '/top\n',
    undefinedVar(2, 'ENV O=$APP_DIR', 'APP_DIR'),
    workdir,
    undefinedVar(5, 'ENV A=$LEVEL', 'LEVEL'),
    undefinedVar(6, 'ENV B=$NOWHERE', 'NOWHERE'),
    undefinedVar(8, 'ENV C=$LEVEL', 'LEVEL'),
    shell(8, 'ENV C=$LEVEL'),
  );
  says('/middle\n', undefinedVar(2, 'ENV LEVEL=2', 'APP_DIR'));
  const expected = [
    'top/Dockerfile:2:1 warning lint/undefined-var',
    'top/Dockerfile:6:1 warning lint/undefined-var',
    'top/Dockerfile:8:1 warning lint/json-args-recommended',
  ];
  assert.deepEqual(await found(['top']), expected);
  assert.deepEqual(await found(), expected);
});

test('where a build below is not known, what it may set is not reported', async (t) => {
  const { found, says } = await makeLinting(t, {
    ...LINKED,
    'base/Dockerfile': 'FROM 127.0.0.1:1/no/such:1\n',
  });
  says('/top\n', undefinedVar(6, 'ENV B=$NOWHERE', 'NOWHERE'), shell(5, 'ENV A=$LEVEL'));
  assert.deepEqual(await found(['top']), ['top/Dockerfile:5:1 warning lint/json-args-recommended']);
});

test('a base image that is nowhere is reported at its place; what it may set is not, the rest is', async (t) => {
  const { lint, answers, says } = await makeLinting(t, {
    'builds.yaml': 'builds:\n  api: { context: . }\n  web: { context: ., dockerfile: Other }\n',
    Dockerfile:
      'FROM 127.0.0.1:1/no/such:1 AS one\nENV A=$MAYBE\nFROM one\nENV A=$MAYBE\nFROM scratch AS two\nENV A=$MAYBE\nFROM one\n',
    Other: 'FROM scratch\nENV A=$MAYBE\n',
  });
  const lost = (image: string) =>
    JSON.stringify({
      vertexes: [
        {
          digest: `sha256:${'1'.repeat(64)}`,
          name: `[internal] load metadata for ${image}`,
          started: '2026-01-01T00:00:00Z',
          error: 'no such host',
        },
      ],
    });
  const maybe = (line: number) => undefinedVar(line, 'ENV A=$MAYBE', 'MAYBE');
  says('filename=Other', maybe(2));
  says('context:127.0.0.1:1/no/such:1=', maybe(2), maybe(4), maybe(6));
  answers.push([
    'id frontend.lint',
    { lines: [lost('127.0.0.1:1/no/such:1'), lost('127.0.0.1:1/not/used:1')] },
  ]);
  const { problems } = await lint();
  assert.deepEqual(problems.map(lineOf), [
    'Dockerfile:6:1 warning lint/undefined-var',
    'Dockerfile:1:6 warning lint/base-unknown',
    'Other:2:1 warning lint/undefined-var',
  ]);
  const [, unknown] = problems;
  assert.equal(
    unknown?.message,
    '`127.0.0.1:1/no/such:1` cannot be resolved; checks that need it were skipped',
  );
  assert.equal(unknown.hint, 'check its name, and that the engine can reach its registry');
});

test('what keeps the frontend from checking is a problem of the build', async (t) => {
  const { lint, answers, says } = await makeLinting(t, ONE);
  says('', shell(2));
  const text = 'error: failed to solve: dockerfile parse error on line 3: MAINTAINER requires an argument';
  answers.push(['id frontend.convertllb', { exitCode: 1, lines: [text] }]);
  const { problems } = await lint();
  assert.equal(problems.length, 2);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['lint/json-args-recommended', 'build/dockerfile-syntax'],
  );
  assert.equal(problems.map(lineOf)[1], 'Dockerfile:3:1 error build/dockerfile-syntax');
});

test('an engine is looked for as builds.yaml and the caller say; without one nothing is checked', async (t) => {
  const { run, engine } = await makeLinting(t, {
    ...ONE,
    'builds.yaml':
      'engine: { address: "tcp://file:1" }\nregistries: { "r.test:5000": { http: true } }\nbuilds:\n  api: { context: . }\n',
  });
  const seen: Parameters<EngineAccess['find']>[0][] = [];
  const told: string[] = [];
  const { signal } = new AbortController();
  const none = fail([problem('engine/none', 'there is none')]);
  const engines: EngineAccess = {
    ...accessTo(engine),
    find: async (options) => {
      seen.push(options);
      options.notify?.({ kind: 'starting', text: 'starting it' } as never);
      return none;
    },
  };
  assert.deepEqual(await run(['*'], { engines }), none);
  assert.deepEqual(
    await run(['*'], { engines, address: 'tcp://flag:1', signal, notify: (text) => told.push(text) }),
    none,
  );
  const [plain, full] = seen;
  assert.deepEqual(
    [plain?.autoStart, plain?.settings?.address, plain?.flagAddress, plain?.signal, plain?.notify],
    [true, 'tcp://file:1', undefined, undefined, undefined],
  );
  assert.deepEqual([...(plain?.registries?.keys() ?? [])], ['r.test:5000']);
  assert.deepEqual([full?.flagAddress, full?.signal], ['tcp://flag:1', signal]);
  assert.deepEqual(told, ['starting it']);
  assert.deepEqual(engine.calls, []);
});

test('calls are made so many at a time as wanted, and end where the caller stops', async (t) => {
  const { lint, engine, run } = await makeLinting(t, {
    'builds.yaml': `builds:\n${[1, 2, 3, 4].map((at) => `  b${at}: { context: ., args: { A: "${at}" } }\n`).join('')}`,
    Dockerfile: 'FROM scratch\nARG A\n',
  });
  let most = 0;
  const access = accessTo(engine);
  const engines: EngineAccess = {
    ...access,
    run: async (call) => {
      assert.equal(call.program, engine.program);
      assert(call.argv.includes(engine.address));
      most = Math.max(most, engine.running + 1);
      await new Promise((resolve) => setImmediate(resolve));
      return engine.run(call);
    },
  };
  await lint(['*'], { engines, jobs: 1 });
  assert.equal(most, 1);
  assert.equal(engine.calls.length, 8);
  engine.forgetCalls();
  const stopped = await run(['*'], { engines, signal: AbortSignal.abort() });
  assert(stopped.ok && stopped.value.problems.length === 0);
  assert.deepEqual(engine.calls, []);
});

test('with nothing that can be checked no engine is looked for', async (t) => {
  const { run } = await makeLinting(t, { 'builds.yaml': 'builds:\n  none: { context: none }\n' });
  const engines: EngineAccess = { ...accessTo(new FakeEngine()), find: () => assert.fail('not wanted') };
  const linted = await run(['*'], { engines });
  assert(linted.ok);
  assert.deepEqual(
    linted.value.problems.map(({ code }) => code),
    ['context/missing'],
  );
});

test('of builds below that cannot be read, or are elsewhere, nothing is reported, and what they set is not known', async (t) => {
  const { found, says, engine } = await makeLinting(t, {
    'builds.yaml': `builds:
  gone: { context: gone }
  far: { context: "https://example.invalid/r.git#main" }
  odd: { context: odd, target: nowhere }
  api: { context: api, contexts: { gone: "build:gone", far: "build:far", odd: "build:odd" } }
`,
    'odd/Dockerfile': 'FROM scratch\nENV A=1\n',
    'api/Dockerfile':
      'FROM gone AS one\nENV B=$A\nFROM far AS two\nENV B=$A\nFROM odd AS three\nENV B=$A\nFROM scratch\nENV B=$A\nCOPY --from=one /x /\nCOPY --from=two /x /\nCOPY --from=three /x /\n',
  });
  const undefinedIn = (line: number) => undefinedVar(line, 'ENV B=$A', 'A');
  says('/api\n', undefinedIn(2), undefinedIn(4), undefinedIn(6), undefinedIn(8));
  assert.deepEqual(await found(['api']), ['api/Dockerfile:8:1 warning lint/undefined-var']);
  engine.forgetCalls();
  says('r.git', '\nWARNING: NoPlace\nof the whole file\n');
  assert.deepEqual(await found(['far']), ['- warning lint/no-place far']);
  assert.equal(engine.calls.length, 2);
});

test('what stands in for builds: those that are named, read or not, and those whose tags are read', async (t) => {
  const { lint, engine } = await makeLinting(t, {
    'builds.yaml': `builds:
  base: { context: a, tags: ["r.test/base:1"] }
  other: { context: a }
  api: { context: api, contexts: { unused: "build:other", files: a } }
`,
    'a/Dockerfile': 'FROM scratch\n',
    'api/Dockerfile': 'FROM r.test/base:1\nCOPY --from=files x /\n',
  });
  await lint(['api']);
  const standIns = new Set(
    engine.calls.flatMap(({ argv }) =>
      argv.flatMap((word) => /^context:(.+)=docker-image:\/\/scratch$/.exec(word)?.[1] ?? []),
    ),
  );
  assert.deepEqual([...standIns].sort(), ['r.test/base:1', 'unused']);
});

test('a build below sets what its own target sets, and one known variable is enough', async (t) => {
  const { found, says } = await makeLinting(t, {
    'builds.yaml': `builds:
  base: { context: base, target: one }
  api: { context: api, target: last, contexts: { base: "build:base" } }
`,
    'base/Dockerfile': 'FROM scratch AS one\nENV D=d\nFROM scratch AS two\nENV E=e\n',
    'api/Dockerfile':
      'ARG A=$D\nFROM base AS last\nENV B=$D\nENV B=$E\nWORKDIR $D/$E\nWORKDIR plain\nFROM scratch\nENV B=$D\n',
  });
  const relative = (line: number, text: string) =>
    print({ rule: 'WorkdirRelativePath', url: `${DOCS}/w/`, words: 'Relative workdir', line, text });
  says(
    '/api\n',
    undefinedVar(1, 'ARG A=$D', 'D'),
    undefinedVar(3, 'ENV B=$D', 'D'),
    undefinedVar(4, 'ENV B=$E', 'E'),
    relative(5, 'WORKDIR $D/$E'),
    relative(6, 'WORKDIR plain'),
  );
  assert.deepEqual(await found(['api']), [
    'api/Dockerfile:1:1 warning lint/undefined-var',
    'api/Dockerfile:4:1 warning lint/undefined-var',
    'api/Dockerfile:6:1 warning lint/w',
  ]);
});

test('an image that cannot be looked up is known by all of its names, and through stages', async (t) => {
  const { lint, answers, says } = await makeLinting(t, {
    'builds.yaml': 'builds:\n  api: { context: . }\n',
    Dockerfile:
      'FROM debian AS debian\nENV A=$B\nFROM alpine:latest AS alpine\nENV A=$B\nFROM alpine AS Two\nENV A=$B\nFROM two\nENV A=$B\nCOPY --from=debian /x /x\n',
  });
  says('context:alpine', ...[2, 4, 6, 8].map((at) => undefinedVar(at, 'ENV A=$B', 'B')));
  const lost = {
    digest: `sha256:${'1'.repeat(64)}`,
    name: '[internal] load metadata for docker.io/library/alpine:latest',
    started: '2026-01-01T00:00:00Z',
    error: 'no such host',
  };
  answers.push(['id frontend.lint', { lines: [JSON.stringify({ vertexes: [lost] })] }]);
  const { problems } = await lint();
  assert.deepEqual(problems.map(lineOf), [
    'Dockerfile:2:1 warning lint/undefined-var',
    'Dockerfile:3:6 warning lint/base-unknown',
  ]);
  assert.match(problems[1]?.message ?? '', /^`alpine:latest` cannot be resolved/);
});

test('findings of whole files are of one build each, however alike', async (t) => {
  const { found, says } = await makeLinting(t, {
    'builds.yaml': 'builds:\n  a: { context: . }\n  b: { context: ., args: { A: b } }\n',
    Dockerfile: 'FROM scratch\n',
  });
  says('', '\nWARNING: NoPlace\nof the whole file\n');
  assert.deepEqual(await found(), ['- warning lint/no-place a', '- warning lint/no-place b']);
});

test('a rule is called as its address ends, else as its name is spelled', async (t) => {
  const { found, says } = await makeLinting(t, ONE);
  const rule = (line: number, url: string) =>
    print({ rule: 'SomeRule', url, words: 'words', line, text: line === 2 ? 'CMD echo hi' : 'MAINTAINER x' });
  says('', rule(2, 'https://e.test/rule/own-name'), rule(3, 'https://e.test/rule/own-name/more'));
  assert.deepEqual(await found(), [
    'Dockerfile:2:1 warning lint/own-name',
    'Dockerfile:3:1 warning lint/some-rule',
  ]);
});

test('error=true counts in a check directive at the head, in every spelling that the frontend takes', async (t) => {
  const heads = {
    plain: '# check=error=true\n',
    tight: '#check=error=true\n',
    wide: '  # first\n#\n# check = error=true\n',
    upper: '# CHECK=ERROR=TRUE\n',
    later: '# check=skip=X;error=true;experimental=all\n',
    other: '# check=error=truest\n',
    empty: '# check=\n',
    after: 'FROM scratch AS x\n# check=error=true\n',
    word: '# recheck=error=true\n',
  };
  const { found, says } = await makeLinting(t, {
    'builds.yaml': `builds:\n${Object.keys(heads)
      .map((name) => `  ${name}: { context: ${name} }\n`)
      .join('')}`,
    ...Object.fromEntries(
      Object.entries(heads).map(([name, head]) => [
        `${name}/Dockerfile`,
        `${head}FROM scratch\nCMD echo hi\n`,
      ]),
    ),
  });
  for (const [name, head] of Object.entries(heads)) says(`/${name}\n`, shell(head.split('\n').length + 1));
  assert.deepEqual(
    (await found()).map((line) => line.replace(/\/.* (\w+) lint\/.*/, ' $1')),
    ['plain', 'tight', 'wide', 'upper', 'later']
      .map((name) => `${name} error`)
      .concat(['other', 'empty', 'after', 'word'].map((name) => `${name} warning`)),
  );
});

test('a stage whose name is that of a build is that build, as it is for the frontend', async (t) => {
  const { found, says } = await makeLinting(t, {
    'builds.yaml':
      'builds:\n  base: { context: base }\n  api: { context: api, contexts: { base: "build:base" } }\n',
    'base/Dockerfile': 'FROM scratch\nENV D=d\n',
    'api/Dockerfile': 'FROM scratch AS base\nFROM base\nENV B=$D\n',
  });
  says('/api\n', undefinedVar(3, 'ENV B=$D', 'D'), shell(3, 'ENV B=$D'));
  assert.deepEqual(await found(['api']), ['api/Dockerfile:3:1 warning lint/json-args-recommended']);
});

test("a file for another frontend is passed over; for Docker's it is checked with the frontend that is named", async (t) => {
  const { lint, says, engine } = await makeLinting(t, {
    'builds.yaml': `builds:
  own: { context: ., dockerfile: recipe, frontend: gateway.v0, source: "x.example/fe:1" }
  api: { context: ., frontend: gateway.v0, source: "docker/dockerfile:1", buildctl-options: [--trace, x.json] }
`,
    Dockerfile: 'FROM scratch\nCMD echo hi\n',
    recipe: 'no Dockerfile\n',
  });
  says('', shell(2));
  const report = await lint();
  assert.deepEqual(report.problems.map(lineOf), ['Dockerfile:2:1 warning lint/json-args-recommended']);
  assert.deepEqual([report.builds, report.dockerfiles, report.passedOver], [1, 1, ['own']]);
  for (const { argv } of engine.calls) {
    assert(argv.includes('source=docker/dockerfile:1'));
    assert(!argv.join(' ').includes('--trace'));
  }
});
