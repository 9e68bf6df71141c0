/**
 * The keywords of JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12/json-schema-core and
 * …/json-schema-validation) that the schema of a variable may have, and what stands behind each.
 */

/** What stands behind a keyword. */
export type Holds =
  | 'schema'
  | 'schemas'
  | 'schema map'
  | 'pattern map'
  | 'reference'
  | 'draft'
  | 'id'
  | 'types'
  | 'values'
  | 'value'
  | 'default'
  | 'note'
  | 'number'
  | 'positive number'
  | 'count'
  | 'flag'
  | 'pattern'
  | 'format'
  | 'names'
  | 'names map';

/** Every keyword there is here. */
export const KEYWORDS: Readonly<Record<string, Holds>> = {
  $schema: 'draft',
  $id: 'id',
  $ref: 'reference',
  $defs: 'schema map',
  definitions: 'schema map',
  $comment: 'note',
  title: 'note',
  description: 'note',
  examples: 'note',
  deprecated: 'note',
  readOnly: 'note',
  writeOnly: 'note',
  contentEncoding: 'note',
  contentMediaType: 'note',
  default: 'default',
  type: 'types',
  enum: 'values',
  const: 'value',
  multipleOf: 'positive number',
  maximum: 'number',
  exclusiveMaximum: 'number',
  minimum: 'number',
  exclusiveMinimum: 'number',
  maxLength: 'count',
  minLength: 'count',
  pattern: 'pattern',
  format: 'format',
  prefixItems: 'schemas',
  items: 'schema',
  contains: 'schema',
  minContains: 'count',
  maxContains: 'count',
  maxItems: 'count',
  minItems: 'count',
  uniqueItems: 'flag',
  unevaluatedItems: 'schema',
  properties: 'schema map',
  patternProperties: 'pattern map',
  additionalProperties: 'schema',
  propertyNames: 'schema',
  unevaluatedProperties: 'schema',
  required: 'names',
  dependentRequired: 'names map',
  dependentSchemas: 'schema map',
  maxProperties: 'count',
  minProperties: 'count',
  allOf: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  not: 'schema',
  if: 'schema',
  // biome-ignore lint/suspicious/noThenProperty: a keyword
  then: 'schema',
  else: 'schema',
};

/** What is written in place of a keyword of another draft, or of another language of schemas. */
export const FOREIGN_KEYWORDS: Readonly<Record<string, string>> = {
  additionalItems: 'Write `items`, for the items after those of `prefixItems`.',
  dependencies: 'Write `dependentRequired`, or `dependentSchemas`.',
  divisibleBy: 'Write `multipleOf`.',
  extends: 'Write `allOf`.',
  id: 'Remove it: other files cannot refer to a schema.',
  nullable: 'Add "null" to `type`: `type: [string, "null"]`.',
  min: 'Write `minimum`, `minLength` or `minItems`.',
  max: 'Write `maximum`, `maxLength` or `maxItems`.',
  values: 'Write `enum`.',
  options: 'Write `enum`.',
  fields: 'Write `properties`.',
  optional: 'Remove it: keys that are not in `required` are optional.',
  $anchor: 'Write `$ref: "#/$defs/NAME"`.',
  $dynamicAnchor: 'Write `$ref: "#/$defs/NAME"`.',
  $dynamicRef: 'Write `$ref: "#/$defs/NAME"`.',
  $recursiveRef: 'Write `$ref: "#"`.',
};

/** The types of JSON Schema, as they are called in messages. */
export const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'null',
};

/** What types are called elsewhere, in builds.yaml among others. */
export const FOREIGN_TYPES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  dict: 'object',
  double: 'number',
  float: 'number',
  int: 'integer',
  list: 'array',
  map: 'object',
  str: 'string',
  text: 'string',
  tuple: 'array',
};
