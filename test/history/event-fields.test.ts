import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVENT_FIELDS, type Fields, isEvent, type Kind } from '../../lib/history/event-fields.ts';
import { repoPath } from '../rig/paths.ts';
import { failingRun, mixedRun, unchangedRun } from '../rig/recorded-runs.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface EventSchema extends Schema {
  readonly oneOf: readonly (Schema & { readonly title: string })[];
  readonly $defs: Readonly<Record<string, Schema>>;
}

const SCHEMA = JSON.parse(readFileSync(repoPath('schemas/events.schema.json'), 'utf8')) as EventSchema;
const NAMES: Readonly<Record<string, Kind>> = {
  string: 'text',
  boolean: 'flag',
  number: 'number',
  integer: 'whole number',
};

/** What the schema says, in the words of the tables. */
function kindOf(schema: Schema): Kind {
  if (schema.$ref === '#/$defs/digest') return 'digest';
  if (schema.$ref !== undefined) {
    const found = SCHEMA.$defs[schema.$ref.replace('#/$defs/', '')];
    assert(found !== undefined, schema.$ref);
    return kindOf(found);
  }
  // Codes of reasons are added to.
  if (schema.enum !== undefined)
    return schema.enum.includes('first-build') ? 'text' : [...schema.enum].sort();
  if (schema.const !== undefined) return [schema.const];
  if (schema.type === 'array') return { listOf: kindOf(schema.items ?? {}) };
  if (schema.type === 'object') return { fields: fieldsOf(schema) };
  const kind = NAMES[schema.type ?? ''];
  assert(kind !== undefined, JSON.stringify(schema));
  return kind;
}

function fieldsOf({ properties = {}, required = [] }: Schema): Fields {
  const all = Object.entries(properties).filter(([name]) => name !== 'type');
  return Object.fromEntries(
    all.map(([name, one]) => [name, required.includes(name) ? kindOf(one) : { optional: kindOf(one) }]),
  );
}

/** The same with words in order, so that lists compare. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sorted(one)]));
}

test('fields of events are those of the schema, with their kinds', () => {
  const types = SCHEMA.oneOf.map(({ title }) => title);
  assert.deepEqual(Object.keys(EVENT_FIELDS).sort(), [...types].sort());
  for (const one of SCHEMA.oneOf)
    assert.deepEqual(
      sorted(new Map<string, unknown>(Object.entries(EVENT_FIELDS)).get(one.title)),
      sorted(fieldsOf(one)),
      one.title,
    );
});

test('whatever a run sends can be read back, also with fields of a later version', () => {
  for (const event of [...mixedRun(), ...unchangedRun(), ...failingRun()]) {
    assert(isEvent(event), JSON.stringify(event));
    assert(isEvent({ ...event, later: { form: 2 } }));
  }
});

test('an event without what it must have, of another kind or of an unknown type is none', () => {
  const all = [...mixedRun(), ...failingRun()];
  for (const event of all)
    for (const name of ['seq', 'atMs', ...Object.keys(EVENT_FIELDS[event.type])]) {
      assert(!isEvent({ ...event, [name]: null }), `${event.type} ${name}`);
      assert(!isEvent({ ...event, [name]: [{}] }), `${event.type} ${name}`);
    }
  const [first] = all;
  for (const wrong of [
    null,
    [],
    'text',
    { ...first, type: 'begun' },
    { ...first, type: 'constructor' },
    { ...first, atMs: 1e99 },
    { ...first, atMs: Number.NaN },
    { ...first, concurrency: 1.5 },
    { ...first, concurrency: -1 },
    { type: 'node-finished', seq: 1, atMs: 1, build: 'app' },
    { type: 'run-finished', seq: 1, atMs: 1 },
  ])
    assert(!isEvent(wrong), JSON.stringify(wrong));
});
