/** Variables with a JSON Schema: what is wrong, at which place, in which words; what values become; and within which bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { KEYWORDS } from '../../lib/config/schema/keywords.ts';
import { formatProblems } from '../../lib/report/mod.ts';
import { bakeTsCommand, runCommand } from '../rig/command.ts';
import { findLoaded, readModules } from '../rig/imports.ts';
import { makeTempDir, writeTree } from '../rig/temp.ts';
import { line, problemsOf, type Reading, read, readSet } from './support.ts';

/** A file with the variable V: its schema in line 3, its default in line 4, each in one line. */
function fileOf(schema: string, value?: string, more = ''): string {
  const given = value === undefined ? '' : `    default: ${value}\n`;
  return `vars:\n  V:\n    schema: ${schema}\n${given}${more}builds: { a: {} }\n`;
}

const problemsWith = (schema: string, value?: string, reading?: Reading, more?: string) =>
  problemsOf(fileOf(schema, value, more), reading);

async function valueFor(schema: string, value?: string, reading?: Reading, more?: string): Promise<unknown> {
  const { set } = await readSet(fileOf(schema, value, more), reading);
  return JSON.parse(JSON.stringify(set.variables.get('V')?.value));
}

/** Schema, default, what is said of it: `place «marked» message | hint`. */
const VALUES: readonly (readonly string[])[] = [
  [
    '{ type: object, properties: { port: { type: integer } } }',
    '{ port: eighty }',
    '4:22 «eighty» V.port must be an integer, not the text "eighty"',
  ],
  [
    '{ type: object, properties: { port: { type: integer, description: where it listens } } }',
    '{ port: 1.5 }',
    '4:22 «1.5» V.port must be an integer, not the text "1.5" | port: where it listens',
  ],
  [
    '{ type: array, items: { type: string } }',
    '[a, [b], null, { c: d }]',
    '4:18 «[b]» V[1] must be text, not a list',
    '4:29 «{ c: d }» V[2] must be text, not a map | "c: …" was read as a map with one key; a value that contains ": " needs quotes.',
  ],
  [
    '{ properties: { tags: { type: array } } }',
    '{ tags: latest }',
    '4:22 «latest» V.tags must be a list, not the text "latest" | Write it as a list: [latest]',
  ],
  [
    '{ properties: { tags: { type: object } } }',
    '{ tags: [a] }',
    '4:16 «tags» V.tags must be a map, not a list | Write a map with a name for each value: { NAME: … }.',
  ],
  [
    '{ properties: { on: { type: [boolean, "null"] } } }',
    '{ on: yes }',
    '4:20 «yes» V.on must be true or false or null, not the text "yes"',
  ],
  [
    '{ type: object, required: [name, image], properties: { name: { description: what it is called } } }',
    '{ imagee: x }',
    '4:14 «{ imagee: x }» V has no "name" | name: what it is called',
    '4:14 «{ imagee: x }» V has no "image" | Is "imagee" misspelt?',
  ],
  ['{ items: { required: [name] } }', '[{ name: a }, {}]', '4:28 «{}» V[1] has no "name"'],
  [
    '{ dependentRequired: { cert: [key] } }',
    '{ cert: a }',
    '4:14 «{ cert: a }» V has no "key", which goes with "cert"',
  ],
  [
    '{ properties: { name: true, port: true }, additionalProperties: false }',
    '{ nmae: a, port: 1, other: 2 }',
    '4:16 «nmae» There is no key "nmae" in V | Did you mean "name"?',
    '4:34 «other» There is no key "other" in V | Valid keys: name, port.',
  ],
  [
    '{ allOf: [{ properties: { a: true } }], unevaluatedProperties: false }',
    '{ a: 1, b: 2 }',
    '4:22 «b» There is no key "b" in V',
  ],
  [
    '{ additionalProperties: { type: integer } }',
    '{ a b: x, c: 1 }',
    '4:21 «x» V["a b"] must be an integer, not the text "x"',
  ],
  [
    '{ propertyNames: { pattern: "^[a-z]+$" } }',
    '{ ok: 1, No: 2 }',
    '4:23 «No» "No" cannot be a key of V | It must match ^[a-z]+$.',
  ],
  [
    '{ propertyNames: { $ref: "#/$defs/n" }, $defs: { n: { maxLength: 2 } } }',
    '{ ok: 1, long: 2 }',
    '4:23 «long» "long" cannot be a key of V | It must have at most 2 characters.',
  ],
  [
    '{ patternProperties: { "^p_": { type: integer } }, additionalProperties: false }',
    '{ p_a: x, q: 1 }',
    '4:21 «x» V.p_a must be an integer, not the text "x"',
    '4:24 «q» There is no key "q" in V',
  ],
  [
    '{ items: { enum: [web, worker, 3] } }',
    '[web, wroker, 3, 4]',
    '4:20 «wroker» V[1] must be one of web, worker, 3, not the text "wroker" | Did you mean "worker"?',
    '4:31 «4» V[3] must be one of web, worker, 3, not the number 4',
  ],
  ['{ properties: { a: { const: 1 } } }', '{ a: 2 }', '4:19 «2» V.a must be 1, not the number 2'],
  [
    '{ items: { pattern: "^v[0-9]+$" } }',
    '[v1, x1]',
    '4:19 «x1» V[1] must match ^v[0-9]+$, not the text "x1"',
  ],
  [
    '{ items: { minimum: 1, maximum: 10 } }',
    '[0, 5, 11]',
    '4:15 «0» V[0] must be at least 1, not the number 0',
    '4:21 «11» V[2] must be at most 10, not the number 11',
  ],
  [
    '{ items: { exclusiveMinimum: 1, exclusiveMaximum: 10 } }',
    '[1, 5, 10]',
    '4:15 «1» V[0] must be more than 1, not the number 1',
    '4:21 «10» V[2] must be less than 10, not the number 10',
  ],
  ['{ items: { multipleOf: 5 } }', '[10, 12]', '4:19 «12» V[1] must be a multiple of 5, not the number 12'],
  [
    '{ items: { minLength: 2, maxLength: 3 } }',
    '[a, ab, abcd]',
    '4:15 «a» V[0] must have at least 2 characters, not 1',
    '4:22 «abcd» V[2] must have at most 3 characters, not 4',
  ],
  ['{ minItems: 2 }', '[a]', '4:14 «[a]» V must have at least 2 items, not 1'],
  ['{ maxItems: 1 }', '[a, b]', '4:14 «[a, b]» V must have at most 1 item, not 2'],
  [
    '{ prefixItems: [{ type: string }, { type: integer }], items: false }',
    '[a, b, c]',
    '4:14 «[a, b, c]» V must have at most 2 items, not 3',
    '4:18 «b» V[1] must be an integer, not the text "b"',
  ],
  [
    '{ properties: { a: { minProperties: 1 } } }',
    '{ a: {} }',
    '4:16 «a» V.a must have at least 1 key, not 0',
  ],
  ['{ maxProperties: 1 }', '{ a: 1, b: 2 }', '4:14 «{ a: 1, b: 2 }» V must have at most 1 key, not 2'],
  [
    '{ uniqueItems: true }',
    '[{ a: 1, b: 2 }, x, { b: 2, a: 1 }]',
    '4:34 «{ b: 2, a: 1 }» V[2] is the same as V[0]',
  ],
  [
    '{ contains: { const: a }, minContains: 2 }',
    '[a, b]',
    '4:14 «[a, b]» V must have at least 2 of the items that `contains` describes',
  ],
  ['{ not: { required: [a] } }', '{ a: 1 }', '4:14 «{ a: 1 }» V is excluded by `not` in its schema'],
  ['{ properties: { a: false } }', '{ a: 1 }', '4:16 «a» V.a is not allowed'],
  [
    '{ if: { properties: { kind: { const: web } } }, then: { required: [port] } }',
    '{ kind: web }',
    '4:14 «{ kind: web }» V has no "port"',
  ],
  ['{ dependentSchemas: { a: { required: [b] } } }', '{ a: 1 }', '4:14 «{ a: 1 }» V has no "b"'],
  [
    '{ items: { anyOf: [{ type: string }, { type: array }] } }',
    '[a, { b: 1 }]',
    '4:18 «{ b: 1 }» V[1] must be text or a list, not a map | "b: …" was read as a map with one key; a value that contains ": " needs quotes.',
  ],
  [
    '{ items: { oneOf: [{ const: a }, { enum: [bb, cc] }] } }',
    '[a, bc]',
    '4:18 «bc» V[1] must be one of a, bb, cc, not the text "bc"',
  ],
  [
    '{ items: { oneOf: [{ properties: { kind: { const: git }, url: { type: string } }, required: [url] }, { properties: { kind: { const: dir } } }] } }',
    '[{ kind: git }, { kind: oci }]',
    '4:15 «{ kind: git }» V[0] has no "url"',
    '4:38 «oci» V[1].kind must be one of git, dir, not the text "oci"',
  ],
  [
    '{ items: { anyOf: [{ type: string }, { type: object, required: [name] }] } }',
    '[{ nam: a }]',
    '4:15 «{ nam: a }» V[0] has no "name" | Is "nam" misspelt?',
  ],
  [
    '{ items: { anyOf: [{ required: [a] }, { required: [b], minProperties: 2 }] } }',
    '[{ c: 1 }]',
    '4:15 «{ c: 1 }» V[0] matches none of the 2 allowed schemas | Either: V[0] has no "a"; or: V[0] must have at least 2 keys, not 1.',
  ],
  [
    '{ items: { oneOf: [{ minimum: 1 }, { maximum: 5 }] } }',
    '[3]',
    '4:15 «3» V[0] matches the schemas 1 and 2 of `oneOf`, but must match exactly one',
  ],
  [
    '{ items: { format: date } }',
    '[2026-02-28, 2026-02-30]',
    '4:27 «2026-02-30» V[1] must be a date such as 2026-01-31, not the text "2026-02-30"',
  ],
  [
    '{ $ref: "#/$defs/tree", $defs: { tree: { type: object, properties: { left: { $ref: "#/$defs/tree" } }, additionalProperties: false } } }',
    '{ left: { left: { right: 1 } } }',
    '4:32 «right» There is no key "right" in V.left.left | Valid keys: left.',
  ],
  [
    '{ $defs: { "a/b~c d%": { type: integer } }, items: { $ref: "#/$defs/a~1b~0c%20d%25" } }',
    '[x]',
    '4:15 «x» V[0] must be an integer, not the text "x"',
  ],
  [
    '{ items: { type: integer } }',
    '[1, "${{ [2, \'x\'] }}", "${{ \'y\' }}"]',
    '4:18 «"${{ [2, \'x\'] }}"» V[2] must be an integer, not the text "x"',
    '4:37 «"${{ \'y\' }}"» V[3] must be an integer, not the text "y"',
  ],
  [
    '{ type: array }',
    '{ a: 1 }',
    '4:14 «{ a: 1 }» The default of V is not a list | Change the default or the type.',
  ],
  ['{ type: integer, minimum: 3 }', '2', '4:14 «2» V must be at least 3, not the number 2'],
  [
    '{ required: [toString, __proto__], properties: { constructor: { type: integer } } }',
    '{ constructor: x }',
    '4:14 «{ constructor: x }» V has no "toString"',
    '4:14 «{ constructor: x }» V has no "__proto__"',
    '4:29 «x» V.constructor must be an integer, not the text "x"',
  ],
];

test('every mistake in a default is said at its own place', async () => {
  for (const [schema = '', value = '', ...expected] of VALUES) {
    const found = await problemsWith(schema, value);
    const shown = found.map((one) => one.replace('config/variable-value builds.yaml:', ''));
    assert.deepEqual(shown, expected, `${schema} <- ${value}`);
    assert(expected.length > 0, schema);
  }
});

/** Schema, what is said of it. */
const SCHEMAS: readonly (readonly string[])[] = [
  [
    '{ propertis: {} }',
    '3:15 «propertis» JSON Schema has no keyword "propertis" | Did you mean "properties"?',
  ],
  ['{ items: { typ: string } }', '3:24 «typ» JSON Schema has no keyword "typ" | Did you mean "type"?'],
  ['{ type: int }', '3:21 «int» A type of a schema cannot be the text "int" | Did you mean "integer"?'],
  [
    '{ type: [string, nul] }',
    '3:30 «nul» A type of a schema cannot be the text "nul" | Did you mean "null"?',
  ],
  [
    '{ type: any }',
    '3:21 «any» A type of a schema cannot be the text "any" | Valid types: string, integer, number, boolean, array, object, null.',
  ],
  ['{ type: [] }', '3:21 «[]» "type" of a schema must be a type, not an empty list | It is the schema of V.'],
  [
    '{ minimum: a }',
    '3:24 «a» "minimum" of a schema must be a number, not the text "a" | It is the schema of V.',
  ],
  [
    '{ maxLength: -1 }',
    '3:26 «-1» "maxLength" of a schema must be an integer of at least 0, not the number -1 | It is the schema of V.',
  ],
  [
    '{ minItems: 1.5 }',
    '3:25 «1.5» "minItems" of a schema must be an integer of at least 0, not the number 1.5 | It is the schema of V.',
  ],
  [
    '{ multipleOf: 0 }',
    '3:27 «0» "multipleOf" of a schema must be a number above 0, not the number 0 | It is the schema of V.',
  ],
  [
    '{ required: true }',
    '3:25 «true» "required" of a schema must be a list of keys, not true | Write `required: [NAME]` in the schema of the map.',
  ],
  [
    '{ required: name }',
    '3:25 «name» "required" of a schema must be a list of keys, not the text "name" | It is the schema of V.',
  ],
  [
    '{ enum: a }',
    '3:21 «a» "enum" of a schema must be a list of values, not the text "a" | It is the schema of V.',
  ],
  [
    '{ enum: [] }',
    '3:21 «[]» "enum" of a schema must be a list of values, not an empty list | It is the schema of V.',
  ],
  [
    '{ uniqueItems: 1 }',
    '3:28 «1» "uniqueItems" of a schema must be true or false, not the number 1 | It is the schema of V.',
  ],
  [
    '{ properties: [a] }',
    '3:27 «[a]» "properties" of a schema must be a map of names to schemas, not a list | It is the schema of V.',
  ],
  [
    '{ properties: { a: string } }',
    '3:32 «string» A schema must be a map of keywords, or true or false, not the text "string" | It is the schema of V.',
  ],
  [
    '{ items: [{ type: string }] }',
    '3:22 «[{ type: string }]» "items" must be one schema | For one schema per position use `prefixItems`.',
  ],
  [
    '{ allOf: { type: string } }',
    '3:22 «{ type: string }» "allOf" of a schema must be a list of schemas, not a map | It is the schema of V.',
  ],
  [
    '{ anyOf: [] }',
    '3:22 «[]» "anyOf" of a schema must be a list of schemas, not an empty list | It is the schema of V.',
  ],
  [
    '{ pattern: "(?=a)" }',
    '3:24 «"(?=a)"» The regular expression cannot be used: invalid or unsupported Perl syntax: `(?=` | Use the syntax of RE2, without look-around and back references.',
  ],
  [
    '{ pattern: "[" }',
    '3:24 «"["» The regular expression cannot be used: missing closing ]: `[` | Use the syntax of RE2, without look-around and back references.',
  ],
  [
    '{ patternProperties: { "(": true } }',
    '3:36 «"("» The regular expression cannot be used: missing closing ): `(` | Use the syntax of RE2, without look-around and back references.',
  ],
  [
    '{ pattern: 3 }',
    '3:24 «3» "pattern" of a schema must be a regular expression, not the number 3 | It is the schema of V.',
  ],
  [
    '{ $ref: "https://example.com/a.json" }',
    '3:21 «"https://example.com/a.json"» "https://example.com/a.json" is outside of the schema; references must be inside | Put shared parts below `$defs` and write "#/$defs/NAME".',
  ],
  [
    '{ $ref: "other.json#/a" }',
    '3:21 «"other.json#/a"» "other.json#/a" is outside of the schema; references must be inside | Put shared parts below `$defs` and write "#/$defs/NAME".',
  ],
  [
    '{ $ref: "#/$defs/servce", $defs: { service: true } }',
    '3:21 «"#/$defs/servce"» There is no schema at "#/$defs/servce" | Did you mean "#/$defs/service"?',
  ],
  [
    '{ $ref: "#name" }',
    '3:21 «"#name"» There is no schema at "#name" | Put shared parts below `$defs` and write "#/$defs/NAME".',
  ],
  [
    '{ $ref: 3 }',
    '3:21 «3» "$ref" of a schema must be text such as "#/$defs/NAME", not the number 3 | It is the schema of V.',
  ],
  [
    '{ $ref: "#" }',
    '3:21 «"#"» The schema refers to itself at the same value, without end | Put a reference to a surrounding schema below `properties`, `items` or the like.',
  ],
  [
    '{ items: { $ref: "#/$defs/a" }, $defs: { a: { anyOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } } }',
    '3:30 «"#/$defs/a"» The schema refers to itself at the same value, without end | Put a reference to a surrounding schema below `properties`, `items` or the like.',
  ],
  [
    '{ $schema: "http://json-schema.org/draft-07/schema#" }',
    '3:24 «"http://json-schema.org/draft-07/schema#"» The schema must be of draft 2020-12 | Write $schema: "https://json-schema.org/draft/2020-12/schema", or remove the key.',
  ],
  [
    '{ items: { $id: "a" } }',
    '3:29 «"a"» "$id" is allowed at the top of the schema only | Write references as `#/$defs/NAME`.',
  ],
  ['{ $anchor: a }', '3:15 «$anchor» JSON Schema has no keyword "$anchor" | Write `$ref: "#/$defs/NAME"`.'],
  [
    '{ dependencies: {} }',
    '3:15 «dependencies» JSON Schema has no keyword "dependencies" | Write `dependentRequired`, or `dependentSchemas`.',
  ],
  [
    '{ additionalItems: false }',
    '3:15 «additionalItems» JSON Schema has no keyword "additionalItems" | Write `items`, for the items after those of `prefixItems`.',
  ],
  [
    '{ nullable: true }',
    '3:15 «nullable» JSON Schema has no keyword "nullable" | Add "null" to `type`: `type: [string, "null"]`.',
  ],
  [
    '{ default: [a] }',
    '3:15 «default» The default of V belongs beside its schema, not inside | Write it beside `schema`.',
  ],
  [
    '{ properties: { a: { default: "${{ vars.B }}" } } }',
    '3:43 «"${{ vars.B }}"» A schema cannot have expressions | Write a fixed value; use `check` to compute.',
  ],
  [
    '{ properties: { __proto__: true } }',
    '3:29 «__proto__» "__proto__" cannot be a key in a schema | Use another name.',
  ],
  [
    '{ dependentRequired: [a] }',
    '3:34 «[a]» "dependentRequired" of a schema must be a map of a key to the keys that it requires, not a list | It is the schema of V.',
  ],
  [
    '{ dependentRequired: { a: b } }',
    '3:39 «b» "dependentRequired" of a schema must be a list of keys, not the text "b" | It is the schema of V.',
  ],
  [
    '{ format: 3 }',
    '3:23 «3» "format" of a schema must be the name of a format, not the number 3 | It is the schema of V.',
  ],
  ['[a]', 'config/wrong-type builds.yaml:3:5 «schema» "schema" must be a JSON Schema, not a list'],
  ['a', 'config/wrong-type builds.yaml:3:13 «a» "schema" must be a JSON Schema, not the text "a"'],
  ['true', 'config/wrong-type builds.yaml:3:13 «true» "schema" must be a JSON Schema, not true'],
];

test('every mistake in a schema is said at its own place, and nothing of the value then', async () => {
  for (const [schema = '', ...expected] of SCHEMAS) {
    for (const value of [undefined, '{ a: 1 }']) {
      const found = await problemsWith(schema, value);
      const shown = found.map((one) => one.replace('config/bad-schema builds.yaml:', ''));
      assert.deepEqual(shown, expected, schema);
    }
    assert(expected.length > 0, schema);
  }
});

test('a format that is not checked is a warning, and those that are checked take what they should', async () => {
  assert.deepEqual(await problemsWith('{ items: { format: iri } }', '[x]'), [
    'config/bad-schema builds.yaml:3:32 «iri» The format "iri" is not checked | Did you mean "uri"?',
  ]);
  const texts: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
    date: [
      ['2024-02-29', '2026-12-31'],
      ['2023-02-29', '2026-13-01', '2026-1-1', '1900-02-29'],
    ],
    'date-time': [
      ['2026-01-02T03:04:05Z', '2026-01-02t03:04:05.123+05:30', '2016-12-31T23:59:60Z'],
      ['2026-01-02', '2026-01-02T25:00:00Z', '2026-02-30T00:00:00Z', '2026-01-02T03:04:05'],
    ],
    email: [['a.b+c@example.com'], ['a@', '@b', 'a..b@c', 'a b@c', '.a@b']],
    hostname: [
      ['a', 'a-b.example.com', '1.2.3.4'],
      ['', '-a', 'a-', 'a..b', 'a_b', 'x'.repeat(64)],
    ],
    ipv4: [
      ['0.0.0.0', '255.255.255.255'],
      ['1.2.3', '256.1.1.1', '01.2.3.4', '1.2.3.4.5'],
    ],
    ipv6: [
      ['::', '::1', 'fe80::1', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '1::8'],
      ['1:2:3', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', 'g::', '1.2.3.4::', '1:', '::1.2.3'],
    ],
    uri: [
      ['https://example.com/a?b=c#d', 'docker-image://alpine:3', 'urn:x:y'],
      ['example.com', '/a', 'http://a b', 'é:x'],
    ],
    uuid: [['123e4567-e89b-12d3-a456-426614174000'], ['123e4567e89b12d3a456426614174000', '']],
  };
  for (const [format, [good, bad]] of Object.entries(texts)) {
    const schema = `{ items: { type: string, format: ${format} } }`;
    assert.deepEqual(await problemsWith(schema, JSON.stringify(good)), [], format);
    assert.equal((await problemsWith(schema, JSON.stringify(bad))).length, bad.length, format);
  }
});

test('values are read as the types of the schema, numbers as they are written', async () => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['{ properties: { v: { type: string } } }', '{ v: 3.10 }', { v: '3.10' }],
    ['{ properties: { v: { type: string } } }', '{ v: 3 }', { v: '3' }],
    ['{ properties: { v: { type: string } } }', '{ v: true }', { v: 'true' }],
    ['{ properties: { v: { type: number } } }', '{ v: 3.10 }', { v: 3.1 }],
    ['{ properties: { v: { type: integer } } }', '{ v: "80" }', { v: 80 }],
    ['{ properties: { v: { type: boolean } } }', '{ v: "true" }', { v: true }],
    ['{ properties: { v: { type: [string, number] } } }', '{ v: 3.10 }', { v: '3.10' }],
    ['{ properties: { v: {} } }', '{ v: 3.10, w: 3 }', { v: '3.10', w: 3 }],
    ['{ items: { anyOf: [{ type: number }, { type: object }] } }', '[0.5, { a: 0.5 }]', [0.5, { a: '0.5' }]],
    ['{ items: { $ref: "#/$defs/n" }, $defs: { n: { type: number } } }', '[0.5]', [0.5]],
    ['{ items: { enum: [3.10, 3.11] } }', '[3.10, "3.11"]', ['3.10', '3.11']],
    ['{ items: { type: number, enum: [0.5, 1] } }', '[0.50, 1]', [0.5, 1]],
    [
      '{ patternProperties: { "^n": { type: number } }, additionalProperties: { type: string } }',
      '{ n: 1.5, s: 1.5 }',
      { n: 1.5, s: '1.5' },
    ],
    ['{ type: number }', '0.5', 0.5],
    ['{ type: string }', '3.10', '3.10'],
    ['{ prefixItems: [{ type: number }], items: { type: string } }', '[0.5, 0.5]', [0.5, '0.5']],
    // Nothing that does not fit is made to: the mistakes are in the table above.
    ['{ items: { type: [boolean, "null"] } }', '[true]', [true]],
    ['{ properties: { v: { type: ["null", string] } } }', '{ v: null }', { v: null }],
    ['{ properties: { v: { type: string } } }', '{ v: null }', {}],
  ];
  for (const [schema, value, expected] of cases)
    assert.deepEqual(await valueFor(schema, value), expected, `${schema} <- ${value}`);
});

test('defaults of the schema fill in what is missing, within one another, and never what is given', async () => {
  const schema =
    '{ items: { $ref: "#/$defs/s" }, $defs: { s: { properties: { kind: { default: web }, port: { type: integer, default: "80" }, opts: { default: {}, properties: { a: { default: [1] } } } } } } }';
  assert.deepEqual(await valueFor(schema, '[{}, { kind: worker, port: null, opts: { a: [] } }]'), [
    { kind: 'web', port: 80, opts: { a: [1] } },
    { kind: 'worker', port: 80, opts: { a: [] } },
  ]);
  // Of several schemas nobody knows which one counts.
  assert.deepEqual(await valueFor('{ anyOf: [{ properties: { a: { default: 1 } } }] }', '{}'), {});
  assert.deepEqual(await problemsWith('{ properties: { a: { type: integer, default: x } } }', '{}'), [
    'config/variable-value builds.yaml:4:14 «{}» V.a must be an integer, not the text "x"',
  ]);
});

test('a schema gives the type, so that values from outside are read as it', async () => {
  const list = '{ type: array, items: { type: integer } }';
  assert.deepEqual(await valueFor(list, undefined, { vars: new Map([['V', '1,2']]) }), [1, 2]);
  assert.deepEqual(await valueFor(list, undefined, { env: { V: '[1, 2]' } }), [1, 2]);
  assert.deepEqual(await valueFor(list), []);
  const map =
    '{ $ref: "#/$defs/m", $defs: { m: { type: [object, "null"], additionalProperties: { type: integer } } } }';
  assert.deepEqual(await valueFor(map, undefined, { vars: new Map([['V', 'a=1,b=2']]) }), { a: 1, b: 2 });
  assert.deepEqual(await valueFor('{ type: integer }', undefined, { env: { V: '7' } }), 7);
  assert.deepEqual(await valueFor('{ type: boolean }', undefined, { env: { V: 'true' } }), true);
  assert.deepEqual(await valueFor(list, undefined, {}, '    optional: true\n'), null);
  // What is written beside it counts.
  assert.deepEqual(await valueFor('{ type: [string, array] }', undefined, { env: { V: 'a,b' } }), 'a,b');
  assert.deepEqual(
    await valueFor('{ type: [string, array] }', undefined, { env: { V: 'a,b' } }, '    type: list\n'),
    ['a', 'b'],
  );
});

test('mistakes in values from outside are at the declaration, with the way into the value and where it comes from', async () => {
  const schema =
    '{ type: array, items: { required: [name], properties: { port: { type: integer } }, additionalProperties: { type: string } } }';
  const json = '[{"name": "a", "port": "x"}, {"port": 1}]';
  const words = (from: string) => [
    `config/variable-value builds.yaml:2:3 «V» V[0].port must be an integer, not the text "x" | It comes from ${from}.`,
    `config/variable-value builds.yaml:2:3 «V» V[1] has no "name" | It comes from ${from}.`,
  ];
  assert.deepEqual(
    await problemsWith(schema, undefined, { vars: new Map([['V', json]]) }),
    words('--var (`vars` in a script)'),
  );
  assert.deepEqual(
    await problemsWith(schema, undefined, { env: { V: json } }),
    words('the environment variable V'),
  );
  const dotenv = { varFiles: ['v.env'], tree: { 'v.env': `V='${json}'\n` } };
  assert.deepEqual(await problemsWith(schema, undefined, dotenv), words('v.env'));
  const yaml = {
    varFiles: ['v.yaml'],
    tree: { 'v.yaml': 'V:\n  - null\n  - name: a\n    port: x\n  - { port: 1 }\n' },
  };
  assert.deepEqual(await problemsWith(schema, '[{ name: b }]', yaml), [
    'config/variable-value v.yaml:4:11 «x» V[0].port must be an integer, not the text "x" | It comes from v.yaml.',
    'config/variable-value v.yaml:5:5 «{ port: 1 }» V[1] has no "name" | It comes from v.yaml.',
  ]);
  assert.deepEqual(await problemsWith('{ type: array, minItems: 1 }'), [
    'config/variable-value builds.yaml:2:3 «V» V must have at least 1 item, not 0 | Add a default: it has no value from elsewhere.',
  ]);
});

test('a default of another file is shown there, and one of a program by its way', async () => {
  const base = 'vars: { V: { schema: { items: { type: integer } } } }\nbuilds: { a: {} }\n';
  const tree = { 'base.yaml': base };
  assert.deepEqual(await problemsOf('include: [base.yaml]\nvars:\n  V:\n    - 1\n    - x\n', { tree }), [
    'config/variable-value builds.yaml:5:7 «x» V[1] must be an integer, not the text "x"',
  ]);
  const module = `export default { vars: { V: { schema: { items: { type: 'integer' } }, default: [1, 'x'] } }, builds: { a: {} } };`;
  assert.deepEqual(await problemsOf('', { tree: { 'builds.mjs': module } }), [
    'config/variable-value - V[1] must be an integer, not the text "x"',
  ]);
});

test('nothing of a sensitive value is said or shown, be it a text, a number or a key', async () => {
  const secret = ['s3cr3t-text', '918273', 'hiddenkey'];
  const value =
    '{ known: s3cr3t-text, num: 918273, hiddenkey: 1, list: [s3cr3t-text, s3cr3t-text], map: { hiddenkey: { known: x } }, long: s3cr3t-text, kind: s3cr3t-text, one: s3cr3t-text }';
  const schema =
    '{ type: object, additionalProperties: false, propertyNames: { maxLength: 6 }, required: [gone], properties: { known: { type: integer }, num: { maximum: 1 }, list: { uniqueItems: true, items: { pattern: "^z" } }, map: { additionalProperties: { properties: { known: { type: integer } } } }, long: { maxLength: 3 }, kind: { enum: [s3cr3t, b] }, one: { oneOf: [{ const: a }, { minLength: 99 }] } } }';
  const json = JSON.stringify({
    known: 's3cr3t-text',
    num: 918273,
    hiddenkey: 1,
    list: ['s3cr3t-text'],
    one: 's3cr3t-text',
  });
  for (const reading of [
    { value },
    { env: { V: json } },
    { varFiles: ['v.yaml'], tree: { 'v.yaml': `V: ${value}\n` } },
  ]) {
    const { value: written, ...options } = { value: undefined, ...reading };
    const result = await read(fileOf(schema, written, '    sensitive: true\n'), options);
    assert(!result.ok);
    const words = formatProblems(result.error);
    assert(result.error.length > 5, words);
    // Not even the line that it is written in.
    for (const one of secret) assert(!words.includes(one), `${one}: ${words}`);
  }
  const [first = ''] = await problemsWith(
    '{ items: { type: integer } }',
    '[abc]',
    {},
    '    sensitive: true\n',
  );
  assert.equal(
    first,
    'config/variable-value - V[0] must be an integer | It is declared in line 2 of builds.yaml.',
  );
  const named = fileOf('{ items: { type: integer } }', '[abc]').replaceAll('V:', 'API_TOKENS:');
  assert.deepEqual(await problemsOf(named), [
    'config/variable-value builds.yaml:4:15 «abc» API_TOKENS[0] must be an integer',
  ]);
});

test('other rules of the variable count besides, and what uses a value that is wrong says nothing more', async () => {
  const more = '    maximum: 1\n';
  assert.deepEqual(await problemsWith('{ items: { type: integer } }', '[1, 2]', {}, more), [
    'config/variable-value builds.yaml:5:14 «1» "[1,2]" is not allowed for V: its length must be at most 1 | It comes from its default.',
  ]);
  const used =
    'vars: { V: { schema: { type: integer }, default: x }, W: "${{ vars.V }}" }\nbuilds: { a: { target: "${{ vars.V }}${{ vars.W }}" } }\n';
  assert.deepEqual((await problemsOf(used)).length, 1);
});

test('a structured variable drives a matrix', async () => {
  const { set } = await readSet(`
vars:
  SERVICES:
    schema:
      type: array
      items:
        type: object
        required: [name]
        additionalProperties: false
        properties: { name: { type: string }, port: { type: integer, default: 8080 }, python: { type: string } }
    default: [{ name: api, python: 3.10 }, { name: web, port: 80 }]
builds:
  service:
    matrix: { include: "\${{ vars.SERVICES }}" }
    name: "\${{ matrix.name }}"
    args: { PORT: "\${{ matrix.port }}", PYTHON: "\${{ matrix.python }}" }
`);
  const args = [...set.builds].map(([name, build]) => [name, Object.fromEntries(build.args)]);
  assert.deepEqual(args, [
    ['api', { PORT: '8080', PYTHON: '3.10' }],
    ['web', { PORT: '80' }],
  ]);
});

/** A chain of schemas each of which asks twice for the next: 2^40 checks. */
function doubling(keyword: string): object {
  const links = Array.from({ length: 40 }, (_, at) => {
    const next = { $ref: `#/$defs/d${at + 1}` };
    return [`d${at}`, { [keyword]: [next, next] }];
  });
  return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(links), d40: { minLength: 9 } } };
}

function nested(depth: number): object {
  return depth === 0 ? { type: 'integer' } : { not: nested(depth - 1) };
}

const STEPS = 'the schemas of variables take more than 10,000,000 steps';
const many = (count: number, make: (at: number) => unknown) =>
  Array.from({ length: count }, (_, at) => make(at));
const keyed = (count: number, value: unknown) =>
  Object.fromEntries(many(count, (at) => [`k${at}`, value]) as [string, unknown][]);

/** Schemas and values of somebody who means harm, and what is said. */
const BOUNDS: readonly (readonly [string, unknown, unknown, string | undefined])[] = [
  ['branches without end', doubling('anyOf'), 'x', STEPS],
  ['parts without end', doubling('allOf'), 'x', STEPS],
  [
    'an expression that takes exponential time elsewhere',
    { pattern: '^(a+)+$' },
    `${'a'.repeat(99)}!`,
    'must match',
  ],
  ['a long list of different maps', { uniqueItems: true }, many(5000, (a) => ({ a })), undefined],
  [
    'a long list of equal maps',
    { uniqueItems: true },
    many(5000, (a) => ({ a: a % 4999 })),
    'V[4999] is the same as V[0]',
  ],
  [
    'long lists against long lists',
    { items: { enum: many(20_000, (a) => a) } },
    many(20_000, (a) => a),
    STEPS,
  ],
  [
    'expressions times keys',
    {
      patternProperties: Object.fromEntries(many(300, (at) => [`^k${at}.*z$`, true]) as [string, unknown][]),
    },
    keyed(5000, 1),
    STEPS,
  ],
  [
    'defaults within defaults',
    { properties: { a: { $ref: '#', default: {} } } },
    {},
    'it is nested more than 100 deep',
  ],
  [
    'more schemas than there may be',
    { properties: keyed(2000, true) },
    {},
    'has more than 2000 schemas within it',
  ],
  [
    'as many schemas as there may be',
    { properties: keyed(1999, { type: 'integer' }) },
    keyed(1999, 1),
    undefined,
  ],
  ['schemas too deep', nested(51), {}, 'has schemas nested more than 50 deep'],
  ['more values than there may be', { enum: many(50_001, (a) => a) }, 1, 'has more than 50,000 values'],
  [
    'more errors than anybody reads',
    { additionalProperties: false },
    keyed(5000, 1),
    'There is no key "k0" in V',
  ],
  ['large schemas, many of them', undefined, undefined, STEPS],
];

test('an untrusted file cannot make the check take long', async () => {
  for (const [name, schema, value, expected] of BOUNDS) {
    const large = { schema: { properties: keyed(1999, { type: 'integer' }) }, default: {} };
    const vars = schema === undefined ? keyed(9, large) : { V: { schema, default: value } };
    const result = await read(JSON.stringify({ vars, builds: { a: {} } }), { untrusted: true });
    const found = result.ok ? [] : result.error.map(({ message }) => message);
    if (expected === undefined) assert.deepEqual(found, [], name);
    else assert(found[0]?.includes(expected), `${name}: ${found[0]}`);
  }
});

test('a value from outside may be as deep as it likes: it is refused', async () => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  const [found = '', ...more] = await problemsWith('{ type: array }', undefined, {
    vars: new Map([['V', deep]]),
  });
  assert.match(
    found,
    /^config\/bad-schema .* V cannot be checked by its schema: it is nested more than 100 deep/,
  );
  assert.deepEqual(more, []);
});

test('names that objects have by themselves are keys like others', async () => {
  const schema =
    '{ required: [toString], properties: { valueOf: { enum: [{ valueOf: 1 }] } }, additionalProperties: false }';
  assert.deepEqual(await problemsWith(schema, '{ toString: 1, valueOf: { valueOf: 1 } }'), [
    'config/variable-value builds.yaml:4:16 «toString» There is no key "toString" in V | Valid keys: valueOf.',
  ]);
  const json = { vars: new Map([['V', '{"__proto__": {"a": 1}, "valueOf": {"valueOf": 2}}']]) };
  assert.deepEqual(
    (await problemsWith(`${schema.slice(0, -1)}, type: object }`, undefined, json)).map((one) =>
      one.replace(/^.*«V» /, ''),
    ),
    [
      'V has no "toString" | It comes from --var (`vars` in a script).',
      'There is no key "__proto__" in V | Valid keys: valueOf. It comes from --var (`vars` in a script).',
      'V.valueOf must be one of {"valueOf":1}, not a map | It comes from --var (`vars` in a script).',
    ],
  );
});

test('a runtime that compiles no code says so', async (t) => {
  const dir = await makeTempDir(t, 'no-code-');
  await writeTree(dir, { 'builds.yaml': fileOf('{ type: integer }', '1') });
  const [program = '', ...rest] = bakeTsCommand();
  const flag = '--disallow-code-generation-from-strings';
  const argv =
    process.versions['deno'] === undefined
      ? [program, flag, ...rest]
      : [program, 'run', `--v8-flags=${flag}`, ...rest.slice(1)];
  const { stdout, stderr, exitCode } = await runCommand([...argv, 'validate'], {
    cwd: dir,
    env: { NO_COLOR: '1' },
  });
  assert.match(`${stdout}${stderr}`, /V cannot be checked by its schema: this runtime compiles no code/);
  assert.equal(exitCode, 3);
});

test('ajv is loaded where a file has a schema, and not before', () => {
  const modules = [...readModules('cli'), ...readModules('lib')];
  const isAjv = (file: string) => file.startsWith('ajv') || file.startsWith('lib/config/schema/');
  assert.deepEqual([...findLoaded(modules, ['cli/main.ts', 'lib/mod.ts'])].filter(isAjv), []);
  assert([...findLoaded(modules, ['lib/config/schema/check.ts'])].some(isAjv));
});

test('what passes our check of a schema passes the meta-schema, and what it refuses is refused', async () => {
  const meta = new Ajv2020({ strict: false });
  const values = [1, 1.5, -1, 0, 'text', true, [], ['a'], {}, { not: 1 }, { not: {} }, { not: ['b'] }, [{}]];
  // Ours: other drafts, formats and expressions that are not there, references that lead nowhere or on and on.
  const ours = new Set(['$schema', '$id', '$ref', 'format', 'pattern', 'default', 'enum', 'examples']);
  const different: string[] = [];
  for (const keyword of Object.keys(KEYWORDS).filter((one) => !ours.has(one))) {
    if (KEYWORDS[keyword] === 'note') continue;
    for (const value of values) {
      const schema = { [keyword]: value };
      const result = await read(JSON.stringify({ vars: { V: { schema, type: 'map' } }, builds: { a: {} } }));
      const isRefused = !result.ok && result.error.some(({ code }) => code === 'config/bad-schema');
      if (isRefused === meta.validateSchema(schema)) {
        different.push(`${JSON.stringify(schema)}: ${result.ok ? 'taken' : result.error.map(line).join()}`);
      }
    }
  }
  assert.deepEqual(different, []);
});
