import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { BakeEvent, EventBody } from '../../lib/model/mod.ts';
import { repoPath } from '../rig/paths.ts';
import { failingRun, mixedRun, unchangedRun } from '../rig/recorded-runs.ts';

interface SchemaNode {
  readonly description?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly $defs?: Readonly<Record<string, SchemaNode>>;
}

const schema = JSON.parse(readFileSync(repoPath('schemas/events.schema.json'), 'utf8')) as SchemaNode;
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

/** Every type of event; the compiler complains where the model has one that this list lacks. */
const TYPES: Readonly<Record<EventBody['type'], true>> = {
  'run-started': true,
  planned: true,
  'engine-starting': true,
  'engine-ready': true,
  'engine-waiting': true,
  'engine-waited': true,
  'engine-aside': true,
  'engine-returned': true,
  'registry-waiting': true,
  'node-phase': true,
  'node-keyed': true,
  'node-decided': true,
  'early-started': true,
  'early-finished': true,
  'node-started': true,
  vertex: true,
  transfer: true,
  log: true,
  warning: true,
  retry: true,
  stalled: true,
  resumed: true,
  tag: true,
  'node-finished': true,
  interrupted: true,
  'run-finished': true,
};

test('recorded runs, which hold every type of event, are valid', () => {
  const events: readonly BakeEvent[] = [...mixedRun(), ...unchangedRun(), ...failingRun()];
  for (const event of events) assert.ok(validate(event), JSON.stringify([event, validate.errors]));
  assert.deepEqual([...new Set(events.map((event) => event.type))].sort(), Object.keys(TYPES).sort());
});

test('the schema has exactly the types of the model, and docs/events.md a heading for each', () => {
  const titles = (schema.oneOf ?? []).map((one) => one.title ?? '');
  assert.deepEqual([...titles].sort(), Object.keys(TYPES).sort());
  const docs = readFileSync(repoPath('docs/events.md'), 'utf8');
  for (const title of titles) assert.ok(docs.includes(`\n## ${title}\n`), title);
});

test('events with a field missing, of a wrong type or of an unknown type are not valid', () => {
  const [first] = mixedRun();
  assert.ok(first?.type === 'run-started');
  const { runId: _, ...without } = first;
  for (const wrong of [
    without,
    { ...first, seq: 0 },
    { ...first, files: 'x' },
    { ...first, type: 'begun' },
  ]) {
    assert.equal(validate(wrong), false, JSON.stringify(wrong));
  }
});

test('every field of the schema is described', () => {
  const lacking: string[] = [];
  const walk = (node: SchemaNode, path: string): void => {
    if (node.$ref === undefined && node.description === undefined) lacking.push(path);
    for (const [name, child] of Object.entries(node.properties ?? {})) walk(child, `${path}.${name}`);
    for (const [name, child] of Object.entries(node.$defs ?? {})) walk(child, `#${name}`);
    for (const child of node.oneOf ?? []) walk(child, `${path}|${child.title}`);
    if (node.items !== undefined) walk(node.items, `${path}[]`);
  };
  walk(schema, '');
  assert.deepEqual(lacking, []);
});
