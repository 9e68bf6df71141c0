/**
 * docs/reference/builds-yaml.md, the reference of every key of builds.yaml, from schemas/builds.schema.json: for each map of the schema
 * a section with a table of its keys, and for each key of a build a section of its own.
 */

export const REFERENCE_FILE = 'docs/reference/builds-yaml.md';

/** Keys of a build by topic; a key without a topic fails the generator. */
const TOPICS = [
  ['Names and rows', ['description', 'extends', 'matrix', 'name']],
  ['What is built', ['context', 'dockerfile', 'dockerfile-inline', 'target', 'args', 'contexts', 'needs']],
  ['The image', ['platforms', 'tags', 'push', 'labels', 'annotations', 'attest']],
  ['Other results', ['outputs', 'compression', 'reproducible', 'source-date-epoch']],
  ['The build cache', ['cache', 'cache-from', 'cache-to', 'no-cache', 'no-cache-filter', 'pull']],
  [
    'What steps may use',
    ['secrets', 'ssh', 'network', 'extra-hosts', 'ulimits', 'shm-size', 'cgroup-parent', 'entitlements'],
  ],
  ['How it runs', ['timeout', 'engine', 'frontend', 'source', 'opts', 'buildctl-options']],
];

/** Maps with their own sections, by definition of the schema: the prefix for names of keys, and the heading. */
const SECTIONS = {
  var: ['vars.NAME', 'Keys of a variable'],
  registry: ['registries.HOST', 'Keys of a registry'],
  group: ['groups.NAME', 'Keys of a group'],
};

const ENGINE = 'Keys of an engine';
const BUILD = 'Keys of a build';

/** The whole page. */
export function referenceOf(schema) {
  const { build, ...others } = schema.$defs;
  const parts = [
    ['Top-level keys', topLevel(schema)],
    ...Object.entries(SECTIONS).map(([name, [prefix, heading]]) => [
      heading,
      mapSection(others[name], prefix, others[name].description),
    ]),
    [
      'Keys of an engine',
      mapSection(schema.properties.engine, 'engine', schema.properties.engine.description),
    ],
    [BUILD, buildIntroduction()],
    ...topicsOf(build),
  ];
  const contents = parts.map(([heading]) => `- [${heading}](#${anchorOf(heading)})`);
  const keys = Object.keys(build.properties)
    .sort()
    .map((key) => `[\`${key}\`](#${anchorOf(key)})`);
  return [
    '<!-- Generated from schemas/builds.schema.json by .ci/generate.mjs. Edit the descriptions there. -->',
    '# builds.yaml: every key',
    'This page lists every key with its type and default. [builds.yaml](../language.md) explains how the keys work together. ' +
      'Wherever a value is text, an [expression](../language.md#expressions) is allowed; `null` means that the key is not set.',
    contents.join('\n'),
    `All keys of a build: ${keys.join(', ')}.`,
    ...parts.flatMap(([heading, text]) => [`## ${heading}`, ...text]),
  ]
    .map((block) => wrap(block))
    .join('\n\n')
    .concat('\n');
}

function topLevel(schema) {
  const rows = Object.entries(schema.properties).map(([key, one]) => rowOf(key, one));
  const ignored = schema.patternProperties['^x-'].description;
  return [table([...rows, ['`x-…`', 'any value', '', ignored]])];
}

function buildIntroduction() {
  return [
    'Below `builds.NAME`. A template (`templates.NAME`) has the same keys except `matrix` and `name`; its expressions are evaluated in the build that extends it.',
  ];
}

function topicsOf(build) {
  const sorted = new Set(TOPICS.flatMap(([, keys]) => keys));
  const known = Object.keys(build.properties);
  const left = known.filter((key) => !sorted.has(key));
  const gone = [...sorted].filter((key) => !known.includes(key));
  if (left.length + gone.length > 0)
    throw new Error(`TOPICS of .ci/schema-reference.mjs: add ${left.join()}, remove ${gone.join()}`);
  return TOPICS.map(([heading, keys]) => [
    heading,
    keys.flatMap((key) => [`### ${key}`, ...keySection(build.properties[key], key)]),
  ]);
}

/** Description, type and default of a key, an example, and its own keys. */
function keySection(schema, key) {
  const facts = [`Type: ${typeOf(schema)}.`];
  if (schema.default !== undefined) facts.push(`Default: ${code(schema.default)}.`);
  const example = exampleOf(schema, key);
  return [
    schema.description,
    facts.join(' '),
    ...(example === undefined ? [] : [`\`\`\`yaml\n${example}\n\`\`\``]),
    ...valueParts(schema, key),
  ];
}

/** The parts of a value: items, named keys, and any other keys. */
function valueParts(schema, path) {
  const { items, properties, additionalProperties: rest } = schema;
  const parts = [];
  if (items !== undefined) {
    if (items.description !== undefined) parts.push(`Each item: ${lowerFirst(items.description)}`);
    if (items.properties !== undefined) parts.push(...keyTable(items, 'Keys of an item that is a map'));
  }
  if (properties !== undefined) parts.push(...keyTable(schema, `Keys of \`${path}\` when it is a map`));
  else if (typeof rest === 'object') {
    parts.push(`Each value: ${lowerFirst(rest.description)}`);
    if (rest.properties !== undefined) parts.push(...keyTable(rest, 'Keys of a value that is a map'));
  }
  return parts;
}

/** A table of the keys of a map, and what other keys it may have. */
function keyTable({ properties, additionalProperties: rest }, heading) {
  const rows = Object.entries(properties).map(([key, one]) => rowOf(key, one));
  if (typeof rest === 'object') rows.push(['any other key', typeOf(rest), '', rest.description]);
  return [`${heading}:`, table(rows)];
}

/** A map with its own section: its keys, then each key that has keys. */
function mapSection(schema, path, description) {
  const rows = Object.entries(schema.properties).map(([key, one]) => rowOf(key, one));
  const inner = Object.entries(schema.properties).flatMap(([key, one]) =>
    innerSection(one, `${path}.${key}`),
  );
  return [`Below \`${path}\`. ${description}`, table(rows), ...inner];
}

function innerSection(schema, path) {
  const map = schema.properties === undefined ? schema.items : schema;
  if (map?.properties === undefined) return [];
  const name = map === schema ? path : `${path}[]`;
  const inner = Object.entries(map.properties).flatMap(([key, one]) => innerSection(one, `${name}.${key}`));
  const rows = Object.entries(map.properties).map(([key, one]) => rowOf(key, one));
  return [`### ${name}`, map.description, table(rows), ...inner];
}

function rowOf(key, schema) {
  const item = schema.items?.properties === undefined ? schema.items?.description : undefined;
  const description =
    item === undefined ? schema.description : `${schema.description} Each item: ${lowerFirst(item)}`;
  const type = linkOf(key, schema);
  const example = (schema.examples ?? schema.items?.examples ?? []).find(
    (one) => one !== schema.default && typeof one === 'string' && !one.includes('\n'),
  );
  // An example that is one of the allowed values adds nothing.
  const shown = example === undefined || type.includes(example) ? '' : ` Example: ${code(example)}.`;
  const byDefault = schema.default === undefined ? '' : code(schema.default);
  return [code(key), type, byDefault, `${description}${shown}`];
}

/** The type, linked if the map has its own section. */
function linkOf(key, schema) {
  const ref = schema.additionalProperties?.$ref?.split('/').at(-1);
  const heading =
    key === 'engine' ? ENGINE : ref === 'build' || ref === 'template' ? BUILD : SECTIONS[ref]?.[1];
  return heading === undefined
    ? typeOf(schema)
    : `${typeOf(schema)}: [${lowerFirst(heading)}](#${anchorOf(heading)})`;
}

/** Titles are written for people; without a title, only strings make sense. */
function typeOf(schema) {
  if (schema === false || schema.type === undefined) return schema.title ?? 'any value';
  const { minimum } = schema;
  const title = schema.title ?? 'text';
  return minimum === undefined || /\d/.test(title) ? title : `${title}, at least ${minimum}`;
}

/** A key as written in a file, with the schema's first example that is not the default; for a list, with all examples. */
function exampleOf(schema, key) {
  const [one] = (schema.examples ?? []).filter((value) => value !== schema.default);
  const items = schema.items?.examples;
  if (one === undefined) return items === undefined ? undefined : `${key}: ${yamlOf(items)}`;
  if (String(one).includes('\n')) return `${key}: |\n${one.trimEnd().replace(/^/gm, '  ')}`;
  if (typeof one !== 'object') return `${key}: ${yamlOf(one)}`;
  const lines = Object.entries(one).map(([name, value]) => `  ${yamlOf(name)}: ${yamlOf(value)}`);
  return `${key}:\n${lines.join('\n')}`;
}

/** A value on one line. */
function yamlOf(value) {
  if (Array.isArray(value)) return `[${value.map(yamlOf).join(', ')}]`;
  if (typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${yamlOf(key)}: ${yamlOf(one)}`)
      .join(', ')} }`;
  const isPlain = typeof value !== 'string' || /^(?:[A-Za-z./][\w./:=@-]*|\d+[a-z]+)$/.test(value);
  return isPlain ? String(value) : JSON.stringify(value);
}

function table(rows) {
  const cells = (row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [cells(['Key', 'Type', 'Default', 'Meaning']), '|---|---|---|---|', ...rows.map(cells)].join('\n');
}

function code(value) {
  return `\`${value}\``;
}

function lowerFirst(text) {
  return /^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}

/** As GitHub makes them. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-');
}

/** Wraps text at 120 characters; tables, lists and code stay unchanged. */
function wrap(block) {
  if (/^[|`#<-]/.test(block) && !/^`[^`]/.test(block)) return block;
  const lines = [''];
  for (const word of block.split(' ')) {
    const line = lines.at(-1);
    if (line !== '' && line.length + word.length + 1 > 120) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
