/** Types of bake variables become schemas: what bake takes, the import takes, and makes the same of it; what bake refuses, it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBuilds } from '../../lib/config/mod.ts';
import type { Cleanup } from '../rig/temp.ts';
import { makeTree } from '../rig/temp.ts';
import { mustImport } from './support.ts';

interface Case {
  readonly type: string;
  /** As HCL has it; absent: there is none. */
  readonly fallback?: string;
  /** What a target makes of it. */
  readonly shown: string;
  /** Values that bake takes, as JSON. */
  readonly takes: readonly string[];
  readonly refuses: readonly string[];
}

const OBJECTS = 'list(object({ name = string, port = optional(number), live = optional(bool) }))';
const EACH =
  'join(",", [for one in V : "${one.name}:${one.port == null ? "none" : one.port}:${one.live == null ? "?" : one.live}"])';

const CASES: readonly Case[] = [
  {
    type: OBJECTS,
    fallback: '[{ name = "a" }, { name = "b", port = 80, live = true }]',
    shown: EACH,
    takes: [
      '[]',
      '[{"name":"x"}]',
      '[{"name":"x","port":1.5,"live":false}]',
      '[{"name":"x","port":null}]',
      '[{"name":3,"port":"81","live":"true"}]',
    ],
    refuses: [
      '[{}]',
      '[{"name":"x","prot":1}]',
      '[{"name":"x","port":"many"}]',
      '[{"name":["x"]}]',
      '{"name":"x"}',
      '["x"]',
    ],
  },
  {
    type: 'map(object({ tags = list(string) }))',
    fallback: '{ a = { tags = ["1", "2"] }, b = { tags = [] } }',
    shown: 'join(";", [for name, one in V : "${name}=${join(",", one.tags)}"])',
    takes: ['{}', '{"x":{"tags":["y"]}}', '{"x":{"tags":[1,true]}}'],
    refuses: ['{"x":{}}', '{"x":{"tags":{}}}', '{"x":{"tags":["y"],"more":1}}', '["x"]'],
  },
  {
    type: 'list(number)',
    fallback: '[1, 2]',
    shown: 'join(",", [for one in V : one + 1])',
    takes: ['[3]', '["4"]', '[]'],
    refuses: ['["x"]', '[[1]]'],
  },
  {
    type: 'map(bool)',
    fallback: '{ a = true, b = false }',
    shown: 'join(",", [for name, one in V : one ? name : "no-${name}"])',
    takes: ['{"x":true}', '{"x":"false"}'],
    refuses: ['{"x":"maybe"}', '{"x":[]}'],
  },
  {
    type: 'tuple([string, number])',
    fallback: '["a", 1]',
    shown: '"${V[0]}-${V[1] + 1}"',
    takes: ['["x",2]', '[1,"3"]'],
    refuses: ['["x"]', '["x",1,2]', '["x","y"]'],
  },
  {
    type: 'object({ name = string, of = object({ deep = optional(list(number)) }) })',
    fallback: '{ name = "a", of = { deep = [1] } }',
    shown: '"${V.name}:${V.of.deep == null ? "none" : join(",", V.of.deep)}"',
    takes: ['{"name":"x","of":{}}', '{"name":"x","of":{"deep":[2,"3"]}}'],
    refuses: ['{"name":"x"}', '{"name":"x","of":{"deep":{}}}', '{"of":{}}'],
  },
];

function hclOf({ type, fallback, shown }: Case): string {
  const value = fallback === undefined ? '' : `\n  default = ${fallback}`;
  return `variable "V" {\n  type = ${type}${value}\n}\ntarget "app" {\n  context = "."\n  args = { SHOWN = ${shown} }\n}\n`;
}

/** What the argument comes to; undefined: the value is refused. */
async function shownBy(t: Cleanup, file: string, text: string, json?: string): Promise<string | undefined> {
  const cwd = await makeTree(t, { [file]: text });
  const env = json === undefined ? {} : { V_JSON: json };
  const read = await readBuilds({ cwd, env, files: [file] });
  if (!read.ok) {
    if (json === undefined) assert.fail(JSON.stringify(read.error.map(({ message }) => message)));
    return undefined;
  }
  return read.value.set.builds.get('app')?.args.get('SHOWN');
}

for (const one of CASES)
  test(`${one.type} takes the same and refuses the same after its import`, async (t) => {
    const hcl = hclOf(one);
    const { yaml, notes } = await mustImport(hcl, 'docker-bake.hcl');
    assert.deepEqual(notes, []);
    assert.match(yaml, /\n {4}schema:/);
    for (const json of [undefined, ...one.takes, ...one.refuses]) {
      const bake = await shownBy(t, 'docker-bake.hcl', hcl, json);
      const ours = await shownBy(t, 'builds.yaml', yaml, json);
      assert.equal(bake === undefined, json !== undefined && one.refuses.includes(json), `bake: ${json}`);
      assert.equal(ours, bake, `${json}\n${yaml}`);
    }
  });

test('a default may have attributes that its type has not, and null where it says so: bake drops the former', async (t) => {
  const one = {
    type: 'list(object({ name = string, port = number }))',
    fallback: '[{ name = "a", port = null, more = 1 }]',
    shown: 'join(",", [for one in V : one.name])',
    takes: [],
    refuses: [],
  };
  const { yaml } = await mustImport(hclOf(one), 'docker-bake.hcl');
  assert.doesNotMatch(yaml, /more/);
  assert.equal(await shownBy(t, 'builds.yaml', yaml), await shownBy(t, 'docker-bake.hcl', hclOf(one)));
});

test('lists and maps of texts, and plain types, need no schema', async () => {
  for (const type of [
    'list(string)',
    'map(string)',
    'set(string)',
    'string',
    'number',
    'bool',
    'any',
    'list(any)',
  ]) {
    const { yaml } = await mustImport(
      `variable "V" { type = ${type} }\ntarget "app" {}\n`,
      'docker-bake.hcl',
    );
    assert.doesNotMatch(yaml, /schema:/, type);
  }
});
