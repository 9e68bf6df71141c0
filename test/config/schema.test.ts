import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { buildsSchema, overridableKeys } from '../../lib/config/mod.ts';
import { VARIABLE_KEYS, VARIABLE_TYPES } from '../../lib/config/variable-types.ts';

test('the schema obeys the 2020-12 meta-schema', () => {
  const ajv = new Ajv2020({ strict: false });
  assert.equal(ajv.validateSchema(buildsSchema), true, JSON.stringify(ajv.errors));
});

test('every property of the schema is described, and every map says what else it may hold', () => {
  const missing: string[] = [];
  function visit(part: unknown, path: string): void {
    if (typeof part !== 'object' || part === null) return;
    const map = part as Record<string, unknown>;
    const isSchema = 'type' in map || '$ref' in map || 'properties' in map;
    if (isSchema && !('description' in map) && !('$ref' in map)) missing.push(`${path}: no description`);
    const types = [map['type'] ?? []].flat();
    const isRow = path.endsWith('/include/items') || path.endsWith('/exclude/items');
    if (types.includes('object') && 'properties' in map && !('additionalProperties' in map) && !isRow) {
      missing.push(`${path}: additionalProperties`);
    }
    for (const [key, inner] of Object.entries(map)) {
      if (['properties', '$defs', 'patternProperties'].includes(key)) {
        for (const [name, one] of Object.entries(inner as object)) visit(one, `${path}/${key}/${name}`);
      } else if (['items', 'additionalProperties'].includes(key)) visit(inner, `${path}/${key}`);
    }
  }
  visit(buildsSchema, '#');
  assert.deepEqual(missing, []);
});

test('the schema and the merge rules know the same keys', () => {
  const { $defs } = buildsSchema as { $defs: { build: { properties: Record<string, unknown> } } };
  const inSchema = Object.keys($defs.build.properties).filter(
    (key) => !['description', 'extends', 'matrix', 'name'].includes(key),
  );
  assert.deepEqual(inSchema.sort(), Object.keys(overridableKeys).sort());
});

test('the schema and the reading of variables know the same keys and types', () => {
  const { var: variable } = buildsSchema['$defs'] as {
    readonly var: { readonly properties: { readonly type: { readonly enum: readonly string[] } } };
  };
  assert.deepEqual(Object.keys(variable.properties).sort(), [...VARIABLE_KEYS].sort());
  assert.deepEqual(variable.properties.type.enum, VARIABLE_TYPES);
});
