/** What the cases do not show: places, what is listed, bytes of the JSON, and that all work is bounded. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type BakeDefinition, type BakeResult, formatBake, type TargetKey } from '../../lib/bake/mod.ts';
import { formatPlace, type Problem } from '../../lib/model/mod.ts';
import { lineOf, runCase } from './cases.ts';

interface Run {
  readonly files: Readonly<Record<string, string>>;
  readonly words?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function run({
  files,
  words = '',
  env = {},
}: Run): Promise<{ definition: BakeDefinition; result: BakeResult }> {
  const { definition, result } = await runCase({
    words: words.split(' ').filter((word) => word !== ''),
    env,
    files: new Map(Object.entries(files)),
  });
  assert.ok(result.ok && definition !== undefined, result.ok ? '' : result.error.map(lineOf).join('\n'));
  return { definition, result: result.value };
}

async function problemsOf(run: Run): Promise<readonly Problem[]> {
  const { result } = await runCase({
    words: (run.words ?? '').split(' ').filter((word) => word !== ''),
    env: run.env ?? {},
    files: new Map(Object.entries(run.files)),
  });
  assert.ok(!result.ok, 'it is refused');
  return result.error;
}

it('attributes know where they were written: in the target, in a parent, nowhere', async () => {
  const { result } = await run({
    words: 'app --set app.target=set --set app.tags+=more --set app.labels.a=b',
    files: {
      'docker-bake.hcl': `target "base" {
  context = "c"
  tags = ["t"]
  target = "x"
  labels = { a = "a" }
}
target "app" {
  inherits = ["base"]
  args = { A = "a" }
}
`,
      'docker-bake.override.hcl': 'target "app" {\n  pull = true\n}\n',
    },
  });
  const app = result.targets.get('app');
  const placeOf = (key: TargetKey): string | undefined => {
    const span = app?.places.get(key);
    return span === undefined ? undefined : formatPlace(span);
  };
  assert.equal(placeOf('context'), 'docker-bake.hcl:2:3');
  assert.equal(placeOf('tags'), 'docker-bake.hcl:3:3');
  assert.equal(placeOf('args'), 'docker-bake.hcl:9:3');
  assert.equal(placeOf('pull'), 'docker-bake.override.hcl:2:3');
  assert.equal(placeOf('target'), undefined);
  assert.equal(placeOf('labels'), undefined);
  assert.equal(placeOf('dockerfile'), undefined);
  assert.equal(app?.place === undefined ? '' : formatPlace(app.place), 'docker-bake.hcl:7:8');
});

it('what can be listed: variables, targets with their rows, groups', async () => {
  const { definition } = await run({
    words: 'web',
    env: { TAG: 'v2' },
    files: {
      'docker-bake.hcl': `variable "TAG" {
  default     = "v1"
  description = "what to build"
}
variable "LIST" {
  type    = list(string)
  default = ["a"]
}
variable "NONE" { type = number }
group "all" {
  description = "everything"
  targets     = ["app", "web"]
}
target "app" {
  name        = "app-\${v}"
  description = "an app"
  matrix      = { v = ["1", "2"] }
  inherits    = ["web"]
}
target "web" {}
`,
    },
  });
  const variables = Array.from(definition.variables.values(), ({ place: _, ...rest }) => rest);
  assert.deepEqual(variables, [
    { name: 'TAG', value: 'v2', isGiven: true, default: 'v1', description: 'what to build' },
    { name: 'LIST', value: ['a'], isGiven: false, default: ['a'], type: 'list of string' },
    { name: 'NONE', value: null, isGiven: false, type: 'number' },
  ]);
  const heads = Array.from(definition.targets.values(), ({ place: _, ...rest }) => rest);
  assert.deepEqual(heads, [
    { name: 'app-1', description: 'an app', inherits: ['web'], matrix: { name: 'app', row: { v: '1' } } },
    { name: 'app-2', description: 'an app', inherits: ['web'], matrix: { name: 'app', row: { v: '2' } } },
    { name: 'web', inherits: [] },
  ]);
  const groups = Array.from(definition.groups.values(), ({ place: _, listPlace: __, ...rest }) => rest);
  assert.deepEqual(groups, [
    { name: 'all', targets: ['app', 'web'], description: 'everything' },
    { name: 'app', targets: ['app-1', 'app-2'] },
  ]);
});

it('what bake passes over without a word is a warning', async () => {
  const { definition } = await run({
    words: 'app',
    files: {
      'docker-bake.hcl':
        'targets "x" {}\nvariable "A" {\n  defualt = "x"\n}\ntarget "app" {\n  tag = ["x"]\n}\n',
    },
  });
  const warnings = [...definition.warnings, ...(definition.targets.get('app')?.warnings ?? [])];
  assert.deepEqual(
    warnings.map(({ severity, code }) => [severity, code]),
    [
      ['warning', 'bake/unknown-name'],
      ['warning', 'bake/unknown-name'],
      ['warning', 'bake/unknown-name'],
    ],
  );
  assert.deepEqual(
    warnings.map(({ hint }) => hint),
    ['Did you mean "default"?', 'Did you mean "target"?', 'Did you mean "tags"?'],
  );
});

it('all problems are given at once, each once', async () => {
  const problems = await problemsOf({
    words: 'app',
    env: { N: 'x' },
    files: {
      'docker-bake.hcl': `variable "N" { default = 1 }
variable "M" { default = N + 1 }
target "app" {
  args = { A = nope, N = N, M = M }
  tags = "x"
}
target "web" { pull = "maybe" }
`,
    },
  });
  assert.deepEqual(
    problems.map(({ code, span }) => `${code} ${span === undefined ? '' : formatPlace(span)}`),
    ['bake/value docker-bake.hcl:1:10', 'bake/value docker-bake.hcl:7:23'],
  );
});

it('the value of a variable that cannot be used is not shown', async () => {
  const problems = await problemsOf({
    env: { N: 'hunter2', L: 'a,hunter2', M: 'hunter2' },
    files: {
      'docker-bake.hcl':
        'variable "N" { default = 1 }\nvariable "L" { type = list(number) }\nvariable "M" { type = map(string) }\ntarget "default" {}\n',
    },
  });
  assert.equal(problems.length, 3);
  assert.ok(!JSON.stringify(problems.map(lineOf)).includes('hunter2'));
});

it("bake's JSON to the byte", async () => {
  const { result } = await run({
    words: 'app',
    files: {
      'docker-bake.hcl': `target "app" {
  description = "a \\"b\\" <c>\\t"
  args        = { "10" = "\${1 + 1}", "9" = "$\${x}", b = "é\\u2028", B = "&" }
  output      = ["type=image,name=x"]
  attest      = ["type=sbom,disabled=true"]
  resources   = {}
  ssh         = ["default"]
}
`,
    },
  });
  // docker buildx 0.38.2
  assert.equal(
    formatBake(result),
    `{
  "group": {
    "default": {
      "targets": [
        "app"
      ]
    }
  },
  "target": {
    "app": {
      "description": "a \\"b\\" \\u003cc\\u003e\\t",
      "attest": [
        {
          "disabled": true,
          "type": "sbom"
        }
      ],
      "context": ".",
      "dockerfile": "Dockerfile",
      "args": {
        "10": "2",
        "9": "$\${x}",
        "B": "\\u0026",
        "b": "é\\u2028"
      },
      "ssh": [
        {
          "id": "default"
        }
      ],
      "output": [
        {
          "name": "x",
          "type": "image"
        }
      ],
      "resources": {}
    }
  }
}
`,
  );
});

it('functions that double what they are called for end in a problem', async () => {
  const functions = Array.from(
    { length: 60 },
    (_, at) => `function "f${at + 1}" {\n  params = [x]\n  result = "\${f${at}(x)}\${f${at}(x)}"\n}\n`,
  ).join('');
  const problems = await problemsOf({
    files: {
      'docker-bake.hcl': `function "f0" {\n  params = [x]\n  result = x\n}\n${functions}target "default" { args = { A = f60("") } }\n`,
    },
  });
  assert.match(problems.map(lineOf).join('\n'), /^bake\/expression docker-bake\.hcl:/);
});

it('a matrix of too many rows is refused before it is made', async () => {
  const axis = JSON.stringify(Array.from({ length: 200 }, (_, at) => String(at)));
  const problems = await problemsOf({
    files: {
      'docker-bake.hcl': `target "default" {\n  name = "x-\${a}"\n  matrix = { a = ${axis}, b = ${axis}, c = ${axis} }\n}\n`,
    },
  });
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['The matrix of target "default" has more than 10000 rows'],
  );
});

it('names that every object of JavaScript has are names like any other', async () => {
  const { result } = await run({
    words: 'constructor __proto__',
    files: {
      'docker-bake.hcl': `variable "constructor" { default = "c" }
variable "__proto__" { default = "p" }
target "constructor" { args = { __proto__ = __proto__, constructor = constructor } }
target "__proto__" { contexts = { a = "target:constructor" } }
`,
    },
  });
  assert.deepEqual([...result.targets.keys()].sort(), ['__proto__', 'constructor']);
  assert.match(formatBake(result), /"__proto__": "p"[\s\S]*"constructor": "c"/);
});

it('what doubles, nests or follows one another without end is a problem, and soon', async () => {
  const many = (count: number, line: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => line(at)).join('');
  const last = 'target "default" { args = { a = jsonencode(v0) } }\n';
  for (const [text, words] of [
    [
      `${many(60, (at) => `variable "v${at}" { default = [v${at + 1}, v${at + 1}] }\n`)}variable "v60" { default = [] }\n${last}`,
      /1,000,000 parts/,
    ],
    [
      `${many(5000, (at) => `variable "v${at}" { default = v${at + 1} }\n`)}variable "v5000" { default = "1" }\n${last}`,
      /more than 300 levels deep/,
    ],
    [
      `target "default" { args = { a = "${'%{if true}'.repeat(5000)}${'%{endif}'.repeat(5000)}" } }\n`,
      /deeper than 250 levels/,
    ],
    [many(3000, (at) => `a${at} = foo${at}\n`), /There is no variable foo/],
  ] as const) {
    const problems = await problemsOf({ files: { 'docker-bake.hcl': text } });
    assert.match(problems[0]?.message ?? '', words);
  }
});

it('a target inherited over very many others is refused', async () => {
  const chain = Array.from(
    { length: 20_000 },
    (_, at) => `target "t${at + 1}" { inherits = ["t${at}"] }\n`,
  ).join('');
  const problems = await problemsOf({
    words: 't20000',
    files: { 'docker-bake.hcl': `target "t0" {}\n${chain}` },
  });
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['Target "t201" inherits through more than 200 targets'],
  );
});

it('policies that parents double are refused', async () => {
  const chain = Array.from(
    { length: 40 },
    (_, at) => `target "t${at + 1}" { inherits = ["t${at}", "t${at}"] }\n`,
  ).join('');
  const problems = await problemsOf({
    words: 't40',
    files: { 'docker-bake.hcl': `target "t0" { policy = ["filename=x"] }\n${chain}` },
  });
  assert.match(problems[0]?.message ?? '', /has more than 10000 policies/);
});

it('groups and contexts that share members are walked once', async () => {
  const groups = Array.from(
    { length: 60 },
    (_, at) => `group "g${at + 1}" { targets = ["g${at}", "g${at}"] }\n`,
  ).join('');
  const links = Array.from(
    { length: 60 },
    (_, at) => `target "t${at + 1}" { contexts = { a = "target:t${at}", b = "target:t${at}" } }\n`,
  ).join('');
  const { result } = await run({
    words: 'g60 t60',
    files: {
      'docker-bake.hcl': `group "g0" { targets = ["t0"] }\n${groups}target "t0" { network = "host" }\n${links}`,
    },
  });
  assert.equal(result.targets.size, 61);
  assert.deepEqual(result.targets.get('t60')?.values.entitlements, ['network.host']);
});

it('functions are found in JSON, whatever way their names are written', async () => {
  const { result } = await run({
    words: 'app',
    files: {
      'docker-bake.json': String.raw`{ "target": { "app": { "tags": ["\u0024{\u0072egex(\"[a-z]+\", \"1ab2\")}"] } } }`,
    },
  });
  assert.deepEqual(result.targets.get('app')?.values.tags, ['ab']);
});
