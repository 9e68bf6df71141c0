/** Bake and Compose files that reach what lib/hcl and lib/bake allow, by the rows of the table in docs/bake.md. */

/** A file beyond a limit. */
export interface Beyond {
  /** First cell of its row in the table. */
  readonly limit: string;
  readonly files: Readonly<Record<string, string>>;
  readonly words?: string;
  /** What is said. */
  readonly says: RegExp;
}

function times(count: number, line: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => line(at)).join('');
}

function hcl(text: string): Readonly<Record<string, string>> {
  return { 'docker-bake.hcl': text };
}

/** A target with an argument of this value. */
function argument(expression: string, before = ''): Readonly<Record<string, string>> {
  return hcl(`${before}target "default" { args = { A = ${expression} } }\n`);
}

/** Three loops within one another. */
function loops(inner: string): string {
  const numbers = 'range(1000)';
  return `length([for a in ${numbers}: length([for b in ${numbers}: length([for c in ${numbers}: ${inner}])])])`;
}

const SERVICE = 'services: { default: { build: . } }\n';

export const BEYOND: readonly Beyond[] = [
  {
    limit: 'evaluation steps, all files together',
    files: argument(loops('c')),
    says: /Evaluation takes more than two million steps/,
  },
  {
    limit: 'characters of a text',
    files: argument(
      'strlen(v18)',
      `variable "v0" { default = "xxxxxx" }\n${times(18, (at) => `variable "v${at + 1}" { default = "\${v${at}}\${v${at}}" }\n`)}`,
    ),
    says: /a text of more than 1,048,576 characters/,
  },
  {
    limit: 'items of a list or map',
    files: argument('length(flatten([for a in range(1000): [for b in range(101): b]]))'),
    says: /more than 100,?000 items/,
  },
  {
    limit: 'values within one value',
    files: argument(
      'length(v20)',
      `variable "v0" { default = [] }\n${times(20, (at) => `variable "v${at + 1}" { default = [v${at}, v${at}] }\n`)}`,
    ),
    says: /more than 1,000,000 parts/,
  },
  {
    limit: 'nesting of brackets, blocks and templates; operators in a row',
    files: argument(`${'['.repeat(251)}${']'.repeat(251)}`),
    says: /nested deeper than 250 levels/,
  },
  {
    limit: 'nesting of brackets, blocks and templates; operators in a row',
    files: argument(`1${' + 1'.repeat(251)}`),
    says: /more than 250 operators in a row/,
  },
  {
    limit: 'nesting of evaluations, such as functions within functions',
    files: argument(
      'f300(1)',
      `function "f0" {\n  params = [x]\n  result = x\n}\n${times(
        300,
        (at) => `function "f${at + 1}" {\n  params = [x]\n  result = 1 + (1 + (1 + f${at}(x)))\n}\n`,
      )}`,
    ),
    says: /deeper than 800 levels/,
  },
  {
    limit: 'levels of JSON in a text',
    files: argument(`length(jsondecode("${'['.repeat(502)}${']'.repeat(502)}"))`),
    says: /more than 500 levels/,
  },
  {
    limit: 'variables that refer to one another, in a chain',
    files: argument(
      'v0',
      `${times(301, (at) => `variable "v${at}" { default = v${at + 1} }\n`)}variable "v301" { default = "1" }\n`,
    ),
    says: /more than 300 levels deep/,
  },
  {
    limit: 'digits and exponent of a number',
    files: argument('1e40001'),
    says: /too large/,
  },
  {
    limit: 'numbers of `range`',
    files: argument('length(range(1025))'),
    says: /more than 1024 numbers/,
  },
  {
    limit: 'combinations of `setproduct`',
    files: argument('length(setproduct(range(101), range(101)))'),
    says: /more than 10,?000 combinations/,
  },
  {
    limit: 'width of a verb of `format`',
    files: argument('strlen(format("%100001d", 1))'),
    says: /more than 100,?000 characters/,
  },
  {
    limit: 'characters and work of a regular expression',
    files: argument(`length(regexall("${'a'.repeat(1001)}", "a"))`),
    says: /more than 1000 characters/,
  },
  {
    limit: 'characters and work of a regular expression',
    files: argument(`length(regexall("${'a?'.repeat(400)}x", format("%100000s", "a")))`),
    says: /would take too long/,
  },
  {
    limit: 'rows of a matrix',
    files: hcl(
      'target "default" {\n  name = "t-${a}-${b}"\n  matrix = { a = range(101), b = range(101) }\n}\n',
    ),
    says: /more than 10000 rows/,
  },
  {
    limit: 'ancestors of a target (`inherits`)',
    files: hcl(`target "t0" {}\n${times(201, (at) => `target "t${at + 1}" { inherits = ["t${at}"] }\n`)}`),
    words: 't201',
    says: /inherits through more than 200 targets/,
  },
  {
    limit: 'merges of a target with another one, in all',
    files: hcl(
      `target "t0" { cache-from = ["a", ""] }\n${times(
        190,
        (at) => `target "t${at + 1}" {\n  inherits = ["t${at}"]\n  cache-from = ["a${at}", "", ""]\n}\n`,
      )}${times(300, (at) => `target "u${at}" { inherits = ["t190"] }\n`)}`,
    ),
    words: '*',
    says: /inherit from too many others/,
  },
  {
    limit: 'entries of `policy`',
    files: hcl(
      `target "t0" { policy = ["filename=x"] }\n${times(14, (at) => `target "t${at + 1}" { inherits = ["t${at}", "t${at}"] }\n`)}`,
    ),
    words: 't14',
    says: /more than 10000 policies/,
  },
  {
    limit: 'targets connected by `contexts`, in a chain',
    files: hcl(
      `target "t0" {}\n${times(201, (at) => `target "t${at + 1}" { contexts = { a = "target:t${at}" } }\n`)}`,
    ),
    words: 't201',
    says: /Contexts refer to one another through more than 200 targets/,
  },
  {
    limit: 'levels of a Compose file',
    files: { 'compose.yaml': `x-a: ${'['.repeat(201)}${']'.repeat(201)}\n${SERVICE}` },
    says: /deeper than 200 levels/,
  },
  {
    limit: 'values of a Compose file',
    files: { 'compose.yaml': `x-a: [${times(100_001, () => '1,')}]\n${SERVICE}` },
    says: /more than 100000 values/,
  },
  {
    limit: 'levels of `${…}` in a Compose file',
    files: {
      'compose.yaml': `services: { default: { build: { context: ., args: { A: "${'${X:-'.repeat(501)}${'}'.repeat(501)}" } } } }\n`,
    },
    says: /More than 500 references are nested/,
  },
  {
    limit: 'Compose files that include one another',
    files: {
      'compose.yaml': `include: [f0.yaml]\n${SERVICE}`,
      ...Object.fromEntries(
        Array.from({ length: 102 }, (_, at) => [`f${at}.yaml`, `include: [f${at + 1}.yaml]\nservices: {}\n`]),
      ),
      'f102.yaml': 'services: {}\n',
    },
    says: /include one another more than 100/,
  },
];
