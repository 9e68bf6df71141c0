/** Imports of bake files in HCL: what they look like, and that they mean what bake makes of the files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proveImport } from '../../cli/import-proof.ts';
import { importBuilds } from '../../lib/convert/mod.ts';
import { assertGolden } from '../rig/golden.ts';
import { repoPath } from '../rig/paths.ts';
import { fixture } from './support.ts';

const SURROUNDINGS = {
  cwd: repoPath('.'),
  now: new Date('2026-01-02T03:04:05Z'),
  localPlatform: 'linux/amd64',
};

/** Imports; the result must mean what bake makes of the file, whatever its variables are. */
async function proven(
  hcl: string,
  more: readonly string[] = [],
): Promise<{ readonly yaml: string; readonly notes: readonly string[] }> {
  const { now, localPlatform } = SURROUNDINGS;
  const result = await importBuilds(hcl, {
    fileName: 'docker-bake.hcl',
    more: more.map((text, at) => ({ name: `${at}.hcl`, text })),
    now,
    localPlatform,
  });
  if (!result.ok) assert.fail(result.error.map(({ message }) => message).join('\n'));
  assert.deepEqual(await proveImport(result.value, SURROUNDINGS), [], `${hcl}\n${result.value.yaml}`);
  return result.value;
}

test('a bake file with everything becomes what a person would have written', async () => {
  const { yaml, notes } = await proven(fixture('docker-bake.hcl'));
  assertGolden(yaml, 'convert/golden/import.yaml');
  assert.deepEqual(notes, []);
  assert.ok(yaml.split('\n').length < fixture('docker-bake.hcl').split('\n').length);
});

const VARIABLES = `
variable "T" { default = "a-b" }
variable "V" { default = "v1.2.3" }
variable "B" { default = true }
variable "N" { default = 4 }
variable "NUL" { default = null }
variable "L" { default = ["x", "y", "x"] }
variable "M" { default = { b = "2", a = "1" } }
variable "OBJ" { default = [{ n = "one", v = 1 }, { n = "two" }] }
variable "FLAG" { default = "true" }
`;

/** Expressions of HCL and how they are written here: as the value of an argument. */
const EXPRESSIONS: readonly (readonly [string, string])[] = [
  ['T', '"${{ vars.T }}"'],
  ['"pre-${T}-${N}"', '"pre-${{ vars.T }}-${{ vars.N }}"'],
  ['"${B}"', '"${{ vars.B }}"'],
  ['"$${T} $${{ x"', '"${T} $${{ x"'],
  ['NUL', '"${{ vars.NUL }}"'],
  ['B ? "y" : "n"', `'\${{ vars.B ? "y" : "n" }}'`],
  ['FLAG ? "y" : "n"', `'\${{ bool(vars.FLAG) ? "y" : "n" }}'`],
  ['NUL != null ? NUL : "none"', `'\${{ vars.NUL != null ? vars.NUL : "none" }}'`],
  ['T == null ? "never" : "always"', 'always'],
  ['B == true ? "y" : "n"', `'\${{ vars.B ? "y" : "n" }}'`],
  ['B == "true" ? "y" : "n"', '"n"'],
  ['!B || N > 3 && T != "" ? 1 : 2', `'\${{ !vars.B || vars.N > 3 && vars.T != "" ? 1 : 2 }}'`],
  ['N * 2 + 1', '"${{ vars.N * 2 + 1 }}"'],
  ['(N + 1) * 2', '"${{ (vars.N + 1) * 2 }}"'],
  ['N / 2', '"${{ double(vars.N) / 2.0 }}"'],
  ['-N', '"${{ -vars.N }}"'],
  ['L[1]', '"${{ vars.L[1] }}"'],
  ['M.a', '"${{ vars.M.a }}"'],
  ['M["b"]', '"${{ vars.M.b }}"'],
  ['join(",", L)', `'\${{ vars.L.join(",") }}'`],
  [
    'join(",", [for x in L : upper(x) if x != "y"])',
    `'\${{ vars.L.filter(x, x != "y").map(x, x.upperAscii()).join(",") }}'`,
  ],
  [
    'join(",", [for i, x in L : "${i}${x}"])',
    `'\${{ range(size(vars.L)).map(i, string(i) + vars.L[i]).join(",") }}'`,
  ],
  [
    'join(",", [for k, v in M : "${k}=${v}"])',
    `'\${{ vars.M.map(k, k).sort().map(k, k + "=" + vars.M[k]).join(",") }}'`,
  ],
  ['join(",", OBJ[*].n)', `'\${{ vars.OBJ.map(one, one.n).join(",") }}'`],
  ['join(",", keys({ for x in L : x => 1... }))', ''],
  ['{ for x in ["q"] : x => T }["q"]', `'\${{ ["q"].map(x, {x: vars.T}).merge().q }}'`],
  ['"%{ if B }yes%{ else }no%{ endif }"', `'\${{ vars.B ? "yes" : "no" }}'`],
  ['"%{ for x in L }<${x}>%{ endfor }"', `'\${{ vars.L.map(x, "<" + x + ">").join() }}'`],
  ['replace(T, "-", "_")', `'\${{ vars.T.replace("-", "_") }}'`],
  ['split("-", T)[0]', `'\${{ vars.T.split("-")[0] }}'`],
  ['element(split("-", T), 0)', `'\${{ vars.T.split("-")[0] }}'`],
  ['substr(V, 0, 4)', '"${{ vars.V.truncate(4) }}"'],
  ['trimprefix(V, "v")', `'\${{ vars.V.trimPrefix("v") }}'`],
  ['sanitize(V)', `'\${{ vars.V.replaceRegex("[^a-zA-Z0-9_-]", "_") }}'`],
  ['regex_replace(V, "([0-9])", "<$1>")', `'\${{ vars.V.replaceRegex("([0-9])", "<$1>") }}'`],
  ['length(regexall("[0-9]", V)) > 0 ? 1 : 0', `'\${{ vars.V.matches("[0-9]") ? 1 : 0 }}'`],
  ['length(regexall("[0-9]", V))', `'\${{ size(vars.V.findAll("[0-9]")) }}'`],
  [
    'try(regex("v([0-9]+)", V)[0], "none")',
    `'\${{ vars.V.findAll("v([0-9]+)").map(match, match[0])[?0].orValue("none") }}'`,
  ],
  ['format("%s:%d%%", T, N)', '"${{ vars.T }}:${{ vars.N }}%"'],
  ['join(",", formatlist("%s/%s", T, L))', `'\${{ vars.L.map(one, vars.T + "/" + one).join(",") }}'`],
  ['coalesce(NUL, T, "x")', '"${{ vars.NUL != null ? vars.NUL : vars.T }}"'],
  ['lookup(M, "a", "none")', `'\${{ vars.M.?a.orValue("none") }}'`],
  ['lookup(M, T, "none")', `'\${{ vars.M[?vars.T].orValue("none") }}'`],
  ['try(OBJ[1].v, 9)', '"${{ vars.OBJ[1].?v.orValue(9) }}"'],
  ['can(OBJ[1].v) ? 1 : 0', `'\${{ "v" in vars.OBJ[1] ? 1 : 0 }}'`],
  ['can(M.a) ? 1 : 0', '"${{ has(vars.M.a) ? 1 : 0 }}"'],
  ['contains(L, "y") ? 1 : 0', `'\${{ "y" in vars.L ? 1 : 0 }}'`],
  ['join(",", distinct(concat(L, ["z"])))', `'\${{ (vars.L + ["z"]).distinct().join(",") }}'`],
  ['join(",", flatten([L, ["z"]]))', `'\${{ (vars.L + ["z"]).join(",") }}'`],
  [
    'join(",", setsubtract(L, ["y"]))',
    `'\${{ vars.L.filter(one, !(one in ["y"])).distinct().sort().join(",") }}'`,
  ],
  [
    'join(",", [for p in setproduct(L, ["1"]) : join("-", p)])',
    `'\${{ vars.L.map(one, ["1"].map(one_2, [one, one_2])).flatten().map(p, p.join("-")).join(",") }}'`,
  ],
  ['merge(M, { c = "3" }).c', `'\${{ [vars.M, {"c": "3"}].merge().c }}'`],
  ['jsonencode(L)', '"${{ toJSON(vars.L) }}"'],
  ['sha1(T)', '"${{ sha1(vars.T) }}"'],
  ['sha256(T)', '"${{ sha256(vars.T) }}"'],
  ['timestamp()', `"\${{ now.format(\\"YYYY-MM-DD'T'hh:mm:ssZ\\") }}"`],
  ['formatdate("YYYYMMDD", timestamp())', `'\${{ now.format("YYYYMMDD") }}'`],
  ['equal(T, "x") ? 1 : 2', `'\${{ vars.T == "x" ? 1 : 2 }}'`],
];

test('every kind of expression is written as the language has it, and gives what it gives in bake', async () => {
  for (const [hcl, cel] of EXPRESSIONS) {
    const { yaml } = await proven(`${VARIABLES}\ntarget "app" {\n  args = {\n    X = ${hcl}\n  }\n}\n`);
    if (cel !== '') assert.match(yaml, new RegExp(`(?:\\{ | {6})X: ${escaped(cel)}(?: \\})?\n`), hcl);
  }
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

test('functions that say much, or are called in many places, stay functions; short ones are put in place', async () => {
  const { yaml, notes } = await proven(`
variable "REPO" { default = "acme" }
variable "VERSION" { default = "1.2.3" }
# One tag.
function "tag" {
  params = [prefix, os-name, latest]
  result = [
    # Always.
    "\${REPO}/app:\${prefix}\${VERSION}-\${os-name}",
    latest ? "\${REPO}/app:\${prefix}latest-\${os-name}" : "",
  ]
}
function "short" {
  params = [value]
  result = substr(value, 0, 3)
}
function "once" {
  params = [x]
  result = "\${x}-once"
}
function "semver" {
  params = [v, more]
  variadic_params = rest
  result = join("/", concat([v], more, ["a text that is longer than what is put in place"], rest))
}
function "unused" {
  params = []
  result = "a text that is longer than what is put in place, and nobody asks for it"
}
target "a" {
  tags = concat(tag("v", "alpine", true), tag(short(VERSION), "debian", false))
  args = { ONCE = once(VERSION), S = semver("x", ["y"], "z", "\${REPO}"), T = semver("x", [], ["y"]...) }
}
`);
  assert.equal(
    yaml.slice(yaml.indexOf('functions:')),
    `functions:
  # One tag.
  tag(prefix, os_name, latest):
    # Always.
    - "\${{ vars.REPO }}/app:\${{ prefix }}\${{ vars.VERSION }}-\${{ os_name }}"
    - '\${{ latest ? vars.REPO + "/app:" + prefix + "latest-" + os_name : "" }}'

  semver_(v, more, rest): '\${{ ([v] + more + ["a text that is longer than what is put in place"] + rest).join("/") }}'

builds:
  a:
    args:
      ONCE: "\${{ vars.VERSION }}-once"
      S: '\${{ semver_("x", ["y"], ["z", vars.REPO]) }}'
      T: '\${{ semver_("x", [], ["y"]) }}'
    tags:
      - '\${{ tag("v", "alpine", true) }}'
      - '\${{ tag(vars.VERSION.truncate(3), "debian", false) }}'
`,
  );
  assert.deepEqual(notes, []);
});

test('a function is put in place where what it gives is taken apart, and where its parameters are of no one kind', async () => {
  const { yaml } = await proven(`
variable "PUSH" { default = false }
variable "ROWS" { default = [{ n = "a", x = "1" }, { n = "b" }] }
function "out" {
  params = [file]
  result = PUSH ? ["type=registry"] : ["type=docker,dest=\${file}-and-a-text-that-is-long.tar"]
}
function "each" {
  params = [one]
  result = join("-and-", [for x in one : "\${x}-of-a-list-that-is-long-enough"])
}
function "x" {
  params = [row]
  result = "\${lookup(row, "x", "none")}-of-a-row-of-the-matrix-with-more-text"
}
target "a" { output = out("a") }
target "b" {
  output = out("b")
  args   = { L = each(["1", "2"]), M = each({ k = "v" }) }
}
target "c" {
  name   = "c-\${r.n}"
  matrix = { r = ROWS }
  args   = { X = x(r), Y = "\${x(r)}!" }
}
`);
  assert.match(yaml, / {2}a:\n {4}push: "\$\{\{ vars\.PUSH \}\}"\n/);
  assert.doesNotMatch(yaml, /^functions:/m);
});

test('what has no counterpart stands there as its value, with the original and a note', async () => {
  const imported = await importBuilds(
    `
variable "V" { default = "Some Text" }
target "app" { args = { A = title(V), B = V } }
target "m" {
  name = "m-\${n}"
  matrix = { n = ["1", "2", "3"] }
  args = { A = strrev(n) }
  tags = [title("x\${n}")]
}
function "strrev" {
  params = [s]
  result = reverse("\${s}0")
}
`,
    { fileName: 'docker-bake.hcl' },
  );
  if (!imported.ok) assert.fail();
  const { yaml, notes } = imported.value;
  assert.match(
    yaml,
    /# In the bake file: title\(V\)\n {2}app:\n {4}args: \{ A: Some Text, B: "\$\{\{ vars\.V \}\}" \}/,
  );
  assert.match(yaml, /A: '\$\{\{ build\.name == "m-1" \? "01" : build\.name == "m-2" \? "02" : "03" \}\}'/);
  assert.deepEqual(notes.slice(0, 1), [
    'app: the function title() has no equivalent; replaced by its value: title(V)',
  ]);
  // A value does not follow a variable, which is told.
  const [difference, ...others] = await proveImport(imported.value, SURROUNDINGS);
  assert.match(difference ?? '', /where variables have other values \(V=x-v, …\): app: args/);
  assert.deepEqual(others, []);
});

test('outputs become pushes where they are, also where a variable decides', async () => {
  const { yaml } = await proven(`
variable "PUSH" { default = false }
target "a" { output = ["type=registry"] }
target "b" {
  inherits = ["a"]
  output   = ["type=docker"]
}
target "c" { output = PUSH ? ["type=registry"] : ["type=docker,dest=c.tar"] }
target "d" { output = [PUSH ? "type=image,push=true" : "out"] }
target "e" { output = ["type=image,name=acme/e,push=true"] }
target "f" { output = [{ type = "local", dest = "out" }, "type=image"] }
`);
  assert.match(yaml, / {2}a: \n| {2}a:\n {4}push: true\n/);
  assert.match(yaml, / {2}b:\n {4}extends: a\n {4}push: false\n\n/);
  assert.match(
    yaml,
    / {2}c:\n {4}push: "\$\{\{ vars\.PUSH \}\}"\n {4}outputs: \['\$\{\{ vars\.PUSH \? null : "type=docker,dest=c\.tar" \}\}'\]\n/,
  );
  assert.match(
    yaml,
    / {2}d:\n {4}push: "\$\{\{ vars\.PUSH \}\}"\n {4}outputs: \['\$\{\{ vars\.PUSH \? null : "out" \}\}'\]\n/,
  );
  assert.match(yaml, / {2}e:\n {4}tags: \[acme\/e\]\n {4}push: true\n/);
  assert.match(yaml, / {2}f:\n {4}outputs: \[out, type=image\]\n/);
});

test('of several outputs none is lost, and none says anything of another one', async () => {
  const { yaml } = await proven(`
variable "PUSH" { default = false }
target "a" { output = ["type=image,name=acme/a", "type=local,dest=out"] }
target "b" { output = ["type=image,name=acme/b", "type=image,name=acme/b:2"] }
target "c" {
  tags   = ["acme/c"]
  output = ["type=registry,compression=zstd", "type=oci,dest=c.tar,name=other"]
}
target "d" { output = ["type=cacheonly", "type=image,name=acme/d"] }
target "e" {
  tags   = ["acme/e"]
  output = [PUSH ? "type=registry" : "", "type=image,compression=zstd", "out"]
}
target "f" {
  annotations = ["x=A"]
  output      = ["type=image,annotation.x=B,annotation.y=B"]
}
`);
  const lines = {
    a: 'outputs: ["type=image,name=acme/a", out]',
    b: 'tags: [acme/b, acme/b:2]',
    c: 'tags: [acme/c]\n    outputs: ["type=image,compression=zstd,push=true", "type=oci,dest=c.tar"]',
    d: 'tags: [acme/d]',
    e: 'tags: [acme/e]\n    push: "${{ vars.PUSH }}"\n    outputs: ["type=image,compression=zstd", out]',
    f: 'annotations: { x: A, "y": B }',
  };
  for (const [name, said] of Object.entries(lines)) {
    const found = new RegExp(`\\n {2}${name}:\\n((?: {4}.*\\n)+)`).exec(yaml)?.[1] ?? yaml;
    assert.equal(found, `    ${said}\n`);
  }
});

test('a push by one variable or by another one is lost by neither', async () => {
  const imported = await importBuilds(
    `
variable "A" { default = false }
variable "B" { default = false }
target "app" {
  tags   = ["acme/app"]
  output = [A ? "type=registry" : "", B ? "type=registry" : ""]
}
`,
    { fileName: 'docker-bake.hcl' },
  );
  if (!imported.ok) assert.fail();
  assert.match(imported.value.yaml, / push: "\$\{\{ vars\.A \}\}"\n/);
  assert.match(imported.value.yaml, / outputs: \['\$\{\{ vars\.B \? "type=image,push=true" : null \}\}'\]\n/);
});

test('a matrix may be computed, and rows lack what some of them say', async () => {
  const { yaml } = await proven(`
variable "ROWS" { default = { v = [{ n = "a", x = "1" }, { n = "b" }] } }
target "one" {
  name = "one-\${v.n}"
  matrix = ROWS
  args = { X = lookup(v, "x", "none"), Y = can(v.x) ? "y" : "n" }
}
target "two" {
  name = "two-\${replace(os-name, ".", "-")}"
  matrix = { os-name = ["3.1", "3.2"], when = ["x"] }
  args = { W = when }
}
`);
  assert.match(yaml, /v: "\$\{\{ vars\.ROWS\.v \}\}"/);
  assert.match(yaml, /X: '\$\{\{ matrix\.v\.x != null \? matrix\.v\.x : "none" \}\}'/);
  assert.match(yaml, /os_name: \["3\.1", "3\.2"\]/);
});

test('what depends on variables stays so: lists of targets, lists of tags, the platform of the machine', async () => {
  const { yaml, notes } = await proven(`
variable "NAMES" { default = ["a", "b"] }
variable "SUFFIX" { default = "" }
variable "LOCAL" { default = regex_replace("\${BAKE_LOCAL_PLATFORM}", "^(darwin)", "linux") }
group "default" { targets = [for n in NAMES : n] }
target "a" {
  platforms = [LOCAL]
  tags = SUFFIX == "" ? [
    "docker.io/acme/a-name-of-some-length:latest",
    "ghcr.io/acme/a-name-of-some-length:latest",
  ] : ["ghcr.io/acme/a-name-of-some-length:latest"]
}
target "b" {
  args = { ON = BAKE_LOCAL_PLATFORM }
  network = "host"
}
`);
  assert.match(yaml, /groups:\n {2}default: "\$\{\{ vars\.NAMES \}\}"\n/);
  assert.match(yaml, / {2}LOCAL: local\n/);
  assert.match(
    yaml,
    /tags:\n {6}- '\$\{\{ vars\.SUFFIX == "" \? "docker\.io\/acme\/a-name-of-some-length:latest" : null \}\}'\n {6}- ghcr\.io/,
  );
  assert.match(yaml, /BAKE_LOCAL_PLATFORM: linux\/amd64 # the platform of the machine/);
  assert.match(yaml, /network: host\n {4}entitlements: \[network\.host\]/);
  assert.deepEqual(notes, [
    'BAKE_LOCAL_PLATFORM is now a variable with the value linux/amd64 on every machine',
  ]);
});

test('a value at the top of a file and a variable of its name are one variable', async () => {
  const { yaml } = await proven(`
variable "a-b" { default = "1" }
a-b = "2"
target "x" { args = { A = a-b } }
`);
  assert.match(yaml, /vars:\n {2}a_b: \{ default: "2", env: \[a-b\] \}\n/);
});

test('validations become rules', async () => {
  const { yaml } = await proven(`
variable "A" {
  default = "x"
  validation { condition = A != "" }
}
variable "B" {
  default = 3
  validation { condition = B >= 1 && B < 10 }
}
variable "C" {
  default = "a"
  validation { condition = C == "a" || C == "b" }
}
variable "D" {
  default = "a-1"
  description = "words"
  validation {
    condition = startswith == "x" || length(split("-", D)) == 2
    error_message = "Two parts."
  }
}
variable "startswith" { default = "y" }
target "app" { args = { A = A, B = B, C = C, D = D } }
`);
  assert.match(yaml, /A: \{ default: x, required: true \}/);
  assert.match(yaml, /B: \{ default: 3, minimum: 1, maximum: 9 \}/);
  assert.match(yaml, /C: \{ default: a, oneOf: \[a, b\] \}/);
  assert.match(yaml, /# Two parts\.\n {2}D:\n/);
  assert.match(yaml, /check: '\$\{\{ vars\.startswith == "x" \|\| size\(value\.split\("-"\)\) == 2 \}\}'/);
});

test('several files are laid over one another, and a target that is there twice is one', async () => {
  const { yaml } = await proven('target "a" {\n  args = { X = 1, Z = 1 }\n  tags = ["a:1"]\n}\n', [
    'variable "V" { default = "2" }\ntarget "a" {\n  args = { Z = V }\n  tags = ["a:2"]\n}\ntarget "b" {}\n',
  ]);
  assert.match(yaml, /args: \{ X: 1, Z: "\$\{\{ vars\.V \}\}" \}\n {4}tags: \[a:2\]/);
});

test('the proof finds what an import would change', async () => {
  const result = await importBuilds(fixture('docker-bake.hcl'), { fileName: 'docker-bake.hcl' });
  if (!result.ok) assert.fail();
  const spoil: readonly (readonly [string, string, RegExp])[] = [
    ['sha-', 'sha', /tags is/],
    ['extends: base\n', 'extends: _common\n', /^differs from what bake makes of it: tools: context/],
    ['  tools:\n', '  tool:\n', /this file is invalid: There is no build or group "tools"/],
    ['vars.PUSH ? null', '!vars.PUSH ? null', /outputs/],
    ['GO_VERSION: "${{ vars', 'GO_VERSION: "x${{ vars', /this file is invalid/],
  ];
  for (const [what, by, expected] of spoil) {
    assert.ok(result.value.yaml.includes(what), what);
    const yaml = result.value.yaml.replaceAll(what, () => by);
    assert.match((await proveImport({ ...result.value, yaml }, SURROUNDINGS)).join('\n'), expected, what);
  }
});
