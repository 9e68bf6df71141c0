/**
 * Makes what is generated: lib/config/generated/shape.ts, the check of a builds file's shape, from
 * schemas/builds.schema.json with ajv's standalone generator; docs/reference/builds-yaml.md, the reference of all keys, from the same
 * schema; lib/page/generated/app.json, the browser application of the report page, from lib/page/app/; and
 * docs/reference/commands.md from cli/declare/.
 *
 *   node .ci/generate.mjs [--check]
 *
 * --check writes nothing and fails where a file is not what would be written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { COMMANDS_FILE, COMMANDS_SOURCE, generateCommands } from './command-reference.mjs';
import { generatePage, PAGE_FILE } from './page.mjs';
import { REFERENCE_FILE, referenceOf } from './schema-reference.mjs';
import { root, say } from './support.mjs';

const FILE = 'lib/config/generated/shape.ts';
const SCHEMA = 'schemas/builds.schema.json';

const schema = JSON.parse(readFileSync(path.join(root, SCHEMA), 'utf8'));
keep(FILE, SCHEMA, generate(schema));
keep(REFERENCE_FILE, SCHEMA, referenceOf(schema));
keep(PAGE_FILE, 'lib/page/app/', await generatePage());
keep(COMMANDS_FILE, COMMANDS_SOURCE, await generateCommands());

/** Writes a generated file, or reports that it is outdated. */
function keep(file, source, made) {
  const target = path.join(root, file);
  if (!process.argv.includes('--check')) {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, made);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== made) {
    say(`${file} is not what ${source} makes it: run node .ci/generate.mjs`);
    process.exitCode = 1;
  }
}

/** Schemas in a builds file are checked by lib/config/schema/, with better messages; editors use the meta-schema. */
function withoutMetaSchema(schema) {
  const copy = structuredClone(schema);
  const { if: _if, then: _then, ...rest } = copy.$defs.var.properties.schema;
  copy.$defs.var.properties.schema = rest;
  return copy;
}

/** The parts of a schema that the check uses: types and names of properties. Titles and examples are for editors. */
function withoutWords(schema) {
  if (typeof schema !== 'object' || schema === null) return schema;
  const {
    title: _title,
    description: _description,
    examples: _examples,
    default: _default,
    ...rest
  } = schema;
  for (const key of ['properties', '$defs'])
    if (rest[key] !== undefined)
      rest[key] = Object.fromEntries(
        Object.entries(rest[key]).map(([name, one]) => [name, withoutWords(one)]),
      );
  for (const key of ['items', 'additionalProperties', 'oneOf', 'anyOf'])
    if (rest[key] !== undefined)
      rest[key] = Array.isArray(rest[key]) ? rest[key].map(withoutWords) : withoutWords(rest[key]);
  return rest;
}

/**
 * ajv reports the path of a keyword within a definition, but validate.ts looks it up in the whole schema. The
 * definition of a function is the one that contains all paths that the function names.
 */
function withWholePlaces(code, schema) {
  const places = [
    ['#', schema],
    ...Object.entries(schema.$defs).map(([name, one]) => [`#/$defs/${name}`, one]),
  ];
  return code.replaceAll(/^function validate(\d+)\([\s\S]*?^validate\1\.errors = /gm, (text) => {
    const named = [...text.matchAll(/schemaPath:"#([^"]*)"/g)].map(([, place]) => place);
    const found = places.filter(([, one]) => named.every((place) => hasPlace(one, place)));
    if (found.length !== 1) throw new Error(`a generated function fits ${found.length} definitions`);
    return text.replaceAll('schemaPath:"#', () => `schemaPath:"${found[0][0]}`);
  });
}

/** Replaces ajv's code for each finding by a call of `note`, which is smaller and equivalent. */
function withCalls(code) {
  const finding =
    /const (err\d+) = \{instancePath(?::(.+?))?,schemaPath:(".*?"),keyword:(".*?"),params:(.*)\};\nif\(vErrors === null\)\{\nvErrors = \[\1\];\n\}\nelse \{\nvErrors\.push\(\1\);\n\}\nerrors\+\+;/g;
  const short = code.replaceAll(
    finding,
    (_all, _name, instancePath = 'instancePath', schemaPath, keyword, params) =>
      `vErrors = note(vErrors, ${instancePath}, ${schemaPath}, ${keyword}, ${params.replace(/,propertyName:(\w+)$/, ', $1')});\nerrors++;`,
  );
  if (/\bconst err\d+ =/.test(short)) throw new Error('ajv writes findings in another way now');
  return short;
}

function hasPlace(schema, place) {
  const segments = place
    .split('/')
    .slice(1)
    .map((one) => decodeURIComponent(one).replaceAll('~1', '/').replaceAll('~0', '~'));
  const keyword = segments.pop();
  const part = segments.reduce((at, name) => at?.[name], schema);
  return keyword === 'false schema' ? part === false : part?.[keyword] !== undefined;
}

/** The whole file. In strict mode and with validation of the schema, so an invalid schema throws here. */
function generate(schema) {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    messages: false,
    // A definition that is checked in two places is generated only once.
    inlineRefs: false,
    code: { source: true, esm: true, lines: true },
  });
  const checked = withoutWords(withoutMetaSchema(schema));
  const code = withCalls(withWholePlaces(standalone.default(ajv, ajv.compile(checked)), checked));
  const name = /export default (\w+);/.exec(code)?.[1];
  if (name === undefined || code.includes('require(') || /^import /m.test(code)) {
    throw new Error('the generated code is not self-contained; avoid minLength, uniqueItems and the like');
  }
  const body = code
    // Definitions appear once, each separately.
    .replace(/^const schema\d+ = (\{.*"\$defs":.*\});$/m, (line, json) => {
      const { $defs: _defs, ...root } = JSON.parse(json);
      return line.replace(json, () => JSON.stringify(root));
    })
    .replace(/^"use strict";\n?/, '')
    .replace(/export const validate = \w+;\n?/, '')
    .replace(/export default \w+;\n?/, '');
  return `// @ts-nocheck Made by .ci/generate.mjs from ${SCHEMA} with ajv.
// biome-ignore-all lint: generated
// biome-ignore-all format: generated
// biome-ignore-all assist: generated

/** One finding of the check, as ajv has it. */
export interface ShapeError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
}

/** Checks plain data against the schema; what is wrong is in \`errors\` until the next call. */
export interface ShapeCheck {
  (data: unknown): boolean;
  errors?: readonly ShapeError[] | null;
}

function note(found, instancePath, schemaPath, keyword, params, propertyName) {
  const one = { instancePath, schemaPath, keyword, params, ...(propertyName === undefined ? {} : { propertyName }) };
  if (found === null) return [one];
  found.push(one);
  return found;
}

${body.trim()}

/** See {@link ShapeCheck}. */
export const checkShape: ShapeCheck = ${name} as unknown as ShapeCheck;
`;
}
