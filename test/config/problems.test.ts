import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import { line, problemsOf, type Reading } from './support.ts';

/** name, file, what is said (each a start of `code place «marked» message | hint`), options. */
type Case = readonly [string, string, readonly string[], Reading?];

const cases: readonly Case[] = [
  [
    'quotes inside quotes: one problem, not what follows from it',
    'vars: { T: a }\nbuilds:\n  a:\n    platforms: ["x/y", "${{ vars.T == "a" ? null : "z" }}"]\n  b: {}\n',
    [
      'config/yaml builds.yaml:4:40 «a» The quotes of an expression end the quoted text around it | Remove the outer quotes',
    ],
  ],
  [
    'a line that is indented like nothing above it',
    'builds:\n  a:\n    context: .\n   target: x\n',
    [
      'config/yaml builds.yaml:4:4 «target: x» This is not valid YAML: the indentation of this line matches no line above it | It starts in column 4',
    ],
  ],
  [
    'a quote that is never closed is shown where it opens',
    'builds:\n  a:\n    args: {A: "x}\n  b: {}\n',
    ['config/yaml builds.yaml:3:15 «"x}» This is not valid YAML: the closing " is missing'],
  ],
  [
    'no blank after a colon',
    'builds:\n  a:\n    context:.\n    target: x\n',
    [
      'config/yaml builds.yaml:3:5 «context:.» This is not valid YAML: a space is missing after the colon | Write context: .',
    ],
  ],
  [
    'an enumeration without null in its hint, a list where names are due',
    'publish: all\ngroups: []\nbuilds: { a: {} }\n',
    [
      'config/wrong-type builds.yaml:1:10 «all» "publish" must be each or together',
      'config/wrong-type builds.yaml:2:1 «groups» "groups" must be a map, not a list | Put each below its name',
    ],
  ],
  [
    'types that BuildKit does not have',
    'builds: { a: { attest: [provenence], outputs: [type=docke], cache-from: [type=s4] } }\n',
    [
      'config/unknown-type builds.yaml:1:25 «provenence» "provenence" is not a type of "attest" that BuildKit is known to have | Did you mean "provenance"?',
      'config/unknown-type builds.yaml:1:48 «type=docke» "docke" is not a type of "outputs" that BuildKit is known to have | Did you mean "docker"?',
      'config/unknown-type builds.yaml:1:74 «type=s4» "s4" is not a type of "cache-from" that BuildKit is known to have | Known are registry',
    ],
  ],
  [
    'what follows from a broken variable or axis is not said',
    'vars: { M: { a: 1 }, L: "${{ [1].slice(0) }}" }\nbuilds:\n  a:\n    matrix: { x: ["${{ vars.L }}"], y: [1] }\n    name: a-${{ matrix.x }}\n    target: ${{ vars.M.b }}\n',
    [
      'config/unknown-key builds.yaml:1:14 «a» There is no key "a" in vars.M | Valid keys',
      'config/expression-value builds.yaml:1:30 «[1].slice(0)» No function fits list.slice(int) | For a list use',
    ],
  ],
  [
    "names of GitHub's workflows and of other languages",
    'builds: { a: { target: "${{ github.ref }}", tags: ["x:${{ \'A\'.toLowerCase() }}"], args: { I: "${{ [1][2] }}" } } }\n',
    [
      'config/unknown-variable builds.yaml:1:29 «github» "github" is not defined here | GitHub contexts do not exist here',
      "config/expression-value builds.yaml:1:59 «'A'.toLowerCase()» No function fits string.toLowerCase() | Write text.lowerAscii().",
      'config/expression-value builds.yaml:1:99 «[1][2]» The list has no [2]: it has 1, counted from 0',
    ],
  ],
  [
    'unknown keys, in bake and Compose spelling too',
    'builds:\n  a:\n    dockerfle: x\n    cache_from: [x]\n    inherits: y\ntargets: {}\n',
    [
      'config/unknown-key builds.yaml:3:5 «dockerfle» There is no key "dockerfle" in builds.a | Did you mean "dockerfile"?',
      'config/unknown-key builds.yaml:4:5 «cache_from» There is no key "cache_from" in builds.a | Did you mean "cache-from"?',
      'config/unknown-key builds.yaml:5:5 «inherits» There is no key "inherits" in builds.a | Did you mean "extends"?',
      'config/unknown-key builds.yaml:6:1 «targets» There is no key "targets" at the top of the file | Did you mean "builds"?',
    ],
  ],
  [
    'wrong types, each once',
    'builds:\n  a:\n    platforms: linux/amd64\n    args: [A=1]\n    no-cache: "yes"\n    tags:\n      - a: b\n    network: hots\n',
    [
      'config/wrong-type builds.yaml:3:16 «linux/amd64» "platforms" must be a list, not the text "linux/amd64" | Write it as a list: [linux/amd64]',
      'config/wrong-type builds.yaml:4:5 «args» "args" must be a map, not a list | Write NAME: value',
      'config/wrong-type builds.yaml:5:15 «"yes"» "no-cache" must be true or false',
      'config/wrong-type builds.yaml:7:9 «a: b» Item 1 of "tags" must be text, not a map | "a: …" was read as a map',
      'config/wrong-type builds.yaml:8:14 «hots» "network" must be default, none or host, not the text "hots" | Did you mean "host"?',
    ],
  ],
  [
    'a computed value of the wrong type',
    'builds: { a: { platforms: "${{ 1 }}", no-cache: "${{ [1] }}", args: "${{ \'x\' }}", target: "${{ {} }}", push: "${{ \'maybe\' }}" } }\n',
    [
      'config/wrong-type builds.yaml:1:27 «"${{ 1 }}"» "platforms" must be a list, not 1',
      'config/wrong-type builds.yaml:1:49 «"${{ [1] }}"» "no-cache" must be true or false, not a list',
      'config/wrong-type builds.yaml:1:69 «"${{ \'x\' }}"» "args" must be a map, not the text "x"',
      'config/wrong-type builds.yaml:1:91 «"${{ {} }}"» "target" must be text, not a map',
      'config/wrong-type builds.yaml:1:110 «"${{ \'maybe\' }}"» "push" must be true, false or always, not "maybe"',
    ],
  ],
  [
    'an unknown variable, also in a branch that is not taken and in a template nobody extends',
    'vars: { TAG: x, T: true }\ntemplates: { t: { target: "${{ vars.TGA }}" } }\nbuilds:\n  a:\n    target: ${{ vars.T ? vars.TAG : vars.TAGG }}\n',
    [
      'config/unknown-variable builds.yaml:2:32 «vars.TGA» There is no variable "TGA" | Did you mean "vars.TAG"?',
      'config/unknown-variable builds.yaml:5:37 «vars.TAGG» There is no variable "TAGG" | Did you mean "vars.TAG"?',
    ],
  ],
  [
    'failing expressions are underlined inside the file',
    'vars: { A: x }\nbuilds:\n  a:\n    target: ${{ vars.A + 1 }}\n    tags: ["x:${{ nope }}", "y:${{ vars.A.split2(1) }}", "${{ 1 + }}", "${{ A }}"]\n    args: { E: "${{ env.NOPE }}", M: "${{ matrix.x }}", F: "${{ readText(\'nope\') }}", V: "${{ semver(\'x\').major }}" }\n',
    [
      'config/expression-value builds.yaml:4:17 «vars.A + 1» These types do not fit together: string + int',
      'config/unknown-variable builds.yaml:5:19 «nope» "nope" is not defined here',
      'config/expression-value builds.yaml:5:36 «vars.A.split2(1)» No function fits split2(int) | Did you mean "split"?',
      'config/expression-syntax builds.yaml:5:67 «}» The expression ends too early',
      'config/unknown-variable builds.yaml:5:77 «A» "A" is not defined here | Did you mean "vars.A"?',
      'config/expression-value builds.yaml:6:25 «NOPE» The environment has no NOPE',
      'config/expression-value builds.yaml:6:50 «x» matrix has no "x" | This build has no matrix.',
      "config/expression-value builds.yaml:6:61 «${{ readText('nope') }}» The expression fails: there is no file nope",
      'config/expression-value builds.yaml:6:91 «${{ semver(\'x\').major }}» The expression fails: semver: "x" is not a version',
    ],
  ],
  [
    'null, a list or a map in the middle of text',
    'builds: { a: { args: { N: "x${{ null }}", L: "x${{ [1] }}", M: "x${{ {} }}" } } }\n',
    [
      'config/expression-value builds.yaml:1:29 «${{ null }}» An expression inside text returns null',
      'config/expression-value builds.yaml:1:48 «${{ [1] }}» An expression inside text returns a list',
      'config/expression-value builds.yaml:1:66 «${{ {} }}» An expression inside text returns a map',
    ],
  ],
  [
    'an expression that never closes',
    'builds: { a: { target: "${{ vars.X " } }\n',
    ['config/expression-unclosed builds.yaml:1:24'],
  ],
  [
    'an alias bomb',
    `${Array.from(
      { length: 9 },
      (_, at) =>
        `x-${at}: &a${at} [${Array(10)
          .fill(at === 0 ? '1' : `*a${at - 1}`)
          .join(', ')}]`,
    ).join('\n')}\nbuilds: { a: {} }\n`,
    ['config/alias-bomb builds.yaml:'],
  ],
  [
    'an alias inside its own anchor',
    'x-a: &a [*a]\nbuilds: { a: {} }\n',
    ['config/alias-bomb builds.yaml:1:10 «*a»'],
  ],
  ['an alias without an anchor', 'builds: { a: *b }\n', ['config/yaml builds.yaml:1:14']],
  [
    'a duplicate key',
    'builds:\n  a:\n    target: x\n    target: y\n',
    ['config/duplicate-key builds.yaml:4:5 «target» The key "target" appears twice'],
  ],
  [
    'a key twice, and what else is wrong in the file',
    'builds:\n  a: { context: . }\n  a: { context: ., tgs: [] }\n  b: { context: "${{ vars.X }}" }\n',
    [
      'config/duplicate-key builds.yaml:3:3 «a» The key "a" appears twice',
      'config/unknown-key builds.yaml:3:20 «tgs» There is no key "tgs" in builds.a | Did you mean "tags"?',
      'config/unknown-variable builds.yaml:4:22 «vars.X» There is no variable "X"',
    ],
  ],
  ['a tab', 'builds:\n\ta:\n', ['config/tab builds.yaml:2:1']],
  [
    'a bracket that never closes',
    'builds:\n  a:\n    tags: [x\n',
    ['config/yaml builds.yaml:4:1 «» This is not valid YAML: the closing ] is missing'],
  ],
  ['a colon in a plain value', 'builds:\n  a:\n    target: x: y\n', ['config/yaml builds.yaml:3:13']],
  ['an empty file', '# nothing\n', ['config/empty-file - builds.yaml is empty']],
  [
    'a file that is not a map',
    'hello\n',
    ['config/wrong-type builds.yaml:1:1 «hello» A builds file must be a map'],
  ],
  ['a file without builds', 'vars: { A: 1 }\n', ['config/no-builds builds.yaml:1:1']],
  ['a binary file', 'a\0b', ['config/not-text - builds.yaml is not a text file']],
  ['two documents', 'builds: { a: {} }\n---\nbuilds: {}\n', ['config/several-documents builds.yaml:2:1']],
  ['deep nesting', `builds: ${'['.repeat(20_000)}`, ['config/too-deep builds.yaml:1:']],
  [
    'an include loop',
    'include: [b.yaml]\nbuilds: { a: {} }\n',
    [
      'config/include-loop b.yaml:1:11 «builds.yaml» Files include one another in a cycle: builds.yaml → b.yaml → builds.yaml',
    ],
    { tree: { 'b.yaml': 'include: [builds.yaml]\n' } },
  ],
  [
    'a missing include',
    'include: [nope.yaml]\nbuilds: { a: {} }\n',
    ['config/missing-file builds.yaml:1:11 «nope.yaml»'],
  ],
  [
    'a missing file',
    'builds: { a: {} }\n',
    ['config/missing-file - There is no file x.yaml'],
    { files: ['x.yaml'] },
  ],
  [
    'a directory for a file',
    '',
    ['config/unreadable-file - d cannot be read: it is a directory'],
    { files: ['d'], tree: { 'd/x': '' } },
  ],
  [
    'no file',
    '',
    [
      'config/no-file - There is no builds.yaml, bake file or Compose file here or in a parent directory | Name one',
    ],
  ],
  [
    'an overlay of a build that is not there',
    'builds: { api: {} }\n',
    ['config/unknown-overlay two.yaml:1:11 «apii» This changes a build "apii"'],
    { files: ['builds.yaml', 'two.yaml'], tree: { 'two.yaml': 'builds: { apii: { tags: [x] } }\n' } },
  ],
  [
    'rows with one name',
    'builds:\n  a:\n    matrix: { x: [1, 2], y: [3, 4] }\n    name: a-${{ matrix.x }}\n',
    [
      'config/name-clash builds.yaml:4:11 «a-${{ matrix.x }}» Two rows of "a" are named "a-1"',
      'config/name-clash builds.yaml:4:11 «a-${{ matrix.x }}» Two rows of "a" are named "a-2"',
    ],
  ],
  [
    'a row with the name of a build',
    'builds:\n  a-1: {}\n  a: { matrix: { x: [1] } }\n',
    ['config/name-clash builds.yaml:3:3 «a» Two builds are named "a-1"'],
  ],
  [
    'a row whose name is not a valid name',
    'builds: { a: { matrix: { x: ["y/z"] }, name: "a-${{ matrix.x }}" } }\n',
    ['config/bad-name builds.yaml:1:46'],
  ],
  [
    'a name without a matrix',
    'builds: { a: { name: b } }\n',
    ['config/name-without-matrix builds.yaml:1:22'],
  ],
  [
    'a matrix of a million rows',
    `builds: { a: { matrix: { ${['x', 'y', 'z'].map((axis) => `${axis}: [${Array.from({ length: 100 }, (_, at) => at).join(', ')}]`).join(', ')} } } }\n`,
    ['config/matrix-too-big builds.yaml:1:'],
  ],
  [
    'exclude of an axis that is not there',
    'builds: { a: { matrix: { x: [1], exclude: [{ q: 1 }] } } }\n',
    ['config/matrix builds.yaml:1:44 «{ q: 1 }» exclude names "q"'],
  ],
  [
    'a matrix without rows is a warning',
    'builds: { a: { matrix: { x: [1], when: "${{ false }}" } }, b: {} }\n',
    ['config/empty-matrix builds.yaml:1:11'],
  ],
  [
    'variables with bad values',
    'vars:\n  N: 3\n  C: { oneOf: [stable, edge], default: edgy }\n  P: { pattern: "v.*", default: x }\n  K: { default: 5, check: "${{ value > 9 }}" }\n  M: { default: 5, maximum: 4 }\nbuilds: { a: {} }\n',
    [
      'config/unknown-variable - "CC" is given a value, but no builds file declares it',
      'config/variable-value builds.yaml:2:3 «N» N from --var (`vars` in a script) is not an integer: "x"',
      'config/variable-value builds.yaml:3:15 «[stable, edge]» "edgy" is not allowed for C: it must be one of stable, edge; did you mean "edge"?',
      'config/variable-value builds.yaml:4:17 «"v.*"» "x" is not allowed for P: it must match v.*',
      'config/variable-value builds.yaml:5:27 «"${{ value > 9 }}"» "5" is not allowed for K',
      'config/variable-value builds.yaml:6:29 «4» "5" is not allowed for M: it must be at most 4',
    ],
    {
      vars: new Map([
        ['N', 'x'],
        ['CC', '1'],
      ]),
    },
  ],
  [
    'variables in a cycle',
    'vars: { A: "${{ vars.B }}", B: "${{ vars.A }}" }\nbuilds: { a: { target: "${{ vars.A }}" } }\n',
    ['config/variable-cycle builds.yaml:1:9 «A» Variables depend on one another in a cycle: A → B → A'],
  ],
  [
    'extends of what is not there, and in a cycle',
    'templates: { base: {}, x: { extends: y }, y: { extends: x } }\nbuilds:\n  a: { extends: [bas, x] }\n',
    [
      'config/extends-cycle builds.yaml:1:24 «x» These extend one another in a cycle: x → y → x',
      'config/unknown-template builds.yaml:3:18 «bas» There is no template or build "bas" to extend | Did you mean "base"?',
    ],
  ],
  [
    'edges to builds that are not there',
    'builds:\n  base: {}\n  m: { matrix: { x: [1, 2] } }\n  a: { contexts: { b: build:bsae, c: target:base, d: build:m }, needs: [basee], context: build:base }\n',
    [
      'config/unknown-build builds.yaml:4:23 «build:bsae» There is no build "bsae" | Did you mean "build:base"?',
      'config/context builds.yaml:4:38 «target:base» "target:base" is not a context of a builds file | Write build:base.',
      'config/unknown-build builds.yaml:4:54 «build:m» "m" is a matrix of 2 builds, but one build is expected here | Choose a row: build:m-1, build:m-2.',
      'config/unknown-build builds.yaml:4:73 «basee» There is no build "basee" | Did you mean "base"?',
      'config/context builds.yaml:4:90 «build:base» The main context cannot be build:',
    ],
  ],
  [
    'groups',
    'builds: { app: {}, b: {} }\ngroups: { g: [app, h], h: [g], i: [aap], app: [b] }\n',
    [
      'config/group-cycle builds.yaml:2:11 «g» Groups contain one another in a cycle: g → h → g',
      'config/unknown-build builds.yaml:2:36 «aap» There is no build or group "aap" | Did you mean "app"?',
      'config/name-clash builds.yaml:2:42 «app» "app" names both a group and a build',
    ],
  ],
  [
    'overrides',
    'builds: { api: {} }\n',
    [
      'config/override-no-match --set:1:1 «apii» No build matches "apii" of the override apii.target=x | Did you mean "api"?',
      'config/override --set:1:1 «api» The override api is not PATTERN.key=value',
      'config/override --set:1:1 «api.args=x» The override api.args=x: "args" is a map',
      'config/override --set:1:1 «api.target+=x» The override api.target+=x: += works on lists only',
      'config/override --set:1:5 «tagets» An override cannot set "tagets"',
    ],
    { overrides: ['apii.target=x', 'api.tagets=x', 'api', 'api.args=x', 'api.target+=x'] },
  ],
  [
    'git outside a repository',
    'builds: { a: { target: "${{ git.sha }}" } }\n',
    ['config/git builds.yaml:1:25 «${{ git.sha }}» git values are not available'],
    { env: process.env },
  ],
  [
    'a bad tag is a warning',
    'builds: { a: { tags: ["Owner/App:1", "r:x/y", "r:ok"] } }\n',
    [
      'config/bad-tag builds.yaml:1:23 «"Owner/App:1"» "Owner/App:1" is not a valid tag for a push | Write the repository in lowercase',
      'config/bad-tag builds.yaml:1:38',
    ],
  ],
  [
    'values of options',
    'builds: { a: { platforms: [amd65/x/y/z], shm-size: big, timeout: 5 min, ulimits: { n: x }, source-date-epoch: "${{ \'x\' }}", outputs: [{ dest: x }], secrets: [{ id: a, env: A, file: f }, { env: A }], cache-from: ["type=registry,ref"], cache: auto } }\n',
    [
      'config/platform',
      'config/size',
      'config/duration',
      'config/ulimit',
      'config/wrong-type',
      'config/attributes',
      'config/secret',
      'config/secret',
      'config/attributes',
      'config/cache',
    ],
  ],
  [
    'a registry that is not a host',
    'registries: { "https://r/x": { http: true } }\nbuilds: { a: {} }\n',
    ['config/registry'],
  ],
  [
    'a module without a default export',
    '',
    ['config/module - m.mjs has no default export'],
    { files: ['m.mjs'], tree: { 'm.mjs': 'export const a = 1;' } },
  ],
  [
    'a module that throws',
    '',
    ['config/module - m.mjs failed: boom'],
    { files: ['m.mjs'], tree: { 'm.mjs': 'throw new Error("boom");' } },
  ],
  [
    'keys that are the same to YAML',
    'builds: { a: { args: { 3.1: x, 3.10: y } } }\n',
    [
      'config/duplicate-key builds.yaml:1:32 «3.10» The key "3.10" appears twice in this map | YAML reads 3.1 as the same key. Put quotes around both if they are different.',
    ],
  ],
  [
    'overrides without a pattern',
    'builds: { a: {} }\n',
    [
      'config/override --set:1:1 «.target=x» The override .target=x is not PATTERN.key=value',
      'config/override --set:1:1 «.args.target=x» The override .args.target=x is not PATTERN.key=value',
    ],
    { overrides: ['.target=x', '.args.target=x'] },
  ],
  [
    'a cache that is true or false',
    'builds: { a: { cache: "${{ 1 > 2 }}" }, b: { cache: false }, c: {} }\n',
    [
      'config/cache builds.yaml:1:23 «"${{ 1 > 2 }}"» "cache" must be auto, a repository, or a map, not false | To turn the cache off, leave the value empty.',
      'config/wrong-type builds.yaml:1:53 «false» "cache" must be auto, a repository, or a map, not false',
      'config/cache --set:1:1 «c.cache=true» "cache" must be auto, a repository, or a map, not true | To turn the cache off, leave the value empty.',
    ],
    { overrides: ['c.cache=true'] },
  ],
  [
    'a variables file',
    'vars: { A: 1 }\nbuilds: { a: {} }\n',
    ['config/missing-file - There is no file nope.env', 'config/var-file v.env:1:1 «what is this»'],
    { varFiles: ['v.env', 'nope.env'], tree: { 'v.env': 'what is this\n' } },
  ],
];

for (const [name, yaml, expected, reading] of cases) {
  test(`reported: ${name}`, async () => {
    const found = await problemsOf(yaml, reading);
    const isSame =
      found.length === expected.length && found.every((one, at) => one.startsWith(expected[at] ?? '?'));
    assert.ok(isSame, `expected\n  ${expected.join('\n  ')}\nfound\n  ${found.join('\n  ')}`);
  });
}

test('a file of 50 MB is refused at once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bake-ts-big-'));
  try {
    const file = await open(join(dir, 'builds.yaml'), 'w');
    await file.truncate(50 * 1024 * 1024);
    await file.close();
    const result = await readBuilds({ cwd: dir, env: {} });
    assert.equal(result.ok, false);
    if (!result.ok) {
      assert.deepEqual(result.error.map(line), [
        'config/file-too-big - builds.yaml has 50.0 MiB; a builds file may have 8 MiB | Check that it is the right file. Use a matrix for repeated builds, or split the file with `include`.',
      ]);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('a mistake of a template that a thousand builds extend is reported once', async () => {
  const builds = Array.from({ length: 1000 }, (_, at) => `  b${at}: { extends: t }`).join('\n');
  const found = await problemsOf(`templates: { t: { target: "\${{ 1 / 0 }}" } }\nbuilds:\n${builds}\n`);
  assert.deepEqual(found, [
    'config/expression-value builds.yaml:1:32 «1 / 0» The expression fails: division by zero',
  ]);
});

test('a file in another encoding is refused with the place', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bake-ts-latin1-'));
  try {
    await writeFile(
      join(directory, 'builds.yaml'),
      Buffer.from('builds:\n  a: { description: caf\xe9 }\n', 'latin1'),
    );
    const result = await readBuilds({ cwd: directory, env: {} });
    assert.ok(!result.ok);
    assert.match(result.error.map(line).join(), /^config\/not-text builds\.yaml:2:24 .* is not in UTF-8/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
