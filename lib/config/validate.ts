/**
 * Checks the shape of a file with ajv against schemas/builds.schema.json, and converts ajv's errors to messages with the
 * place in the file and the key that was probably meant.
 *
 * ajv's check is compiled ahead into generated/shape.ts: loading ajv and compiling the schema takes longer than starting
 * Node and planning a hundred builds. It is still large, so this module is only loaded for builds files.
 * test/config/schema.test.ts fails if the generated file is out of date.
 */
import schema from '../../schemas/builds.schema.json' with { type: 'json' };
import { type Problem, problem, type Span } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import { checkShape, type ShapeError } from './generated/shape.ts';
import { at, atKey, kindOf, type MapNode, type Node, toPlain } from './tree.ts';

/** Other tools' names for keys of builds.yaml. */
const FOREIGN_KEYS: Readonly<Record<string, string>> = {
  inherits: 'extends',
  target: 'builds',
  targets: 'builds',
  services: 'builds',
  images: 'builds',
  group: 'groups',
  variable: 'vars',
  variables: 'vars',
  includes: 'include',
  registry: 'registries',
  output: 'outputs',
  secret: 'secrets',
  platform: 'platforms',
  image: 'tags',
  tag: 'tags',
  depends_on: 'needs',
  'depends-on': 'needs',
  dependencies: 'needs',
  additional_contexts: 'contexts',
  'build-contexts': 'contexts',
  'build-args': 'args',
  'build-arg': 'args',
  stage: 'target',
  file: 'dockerfile',
  attests: 'attest',
  attestations: 'attest',
  provenance: 'attest',
  sbom: 'attest',
  hosts: 'extra-hosts',
  'add-hosts': 'extra-hosts',
  ulimit: 'ulimits',
  privileged: 'entitlements',
  src: 'file',
  source: 'file',
  enum: 'oneOf',
  options: 'oneOf',
  min: 'minimum',
  max: 'maximum',
  validation: 'check',
  secret_value: 'sensitive',
  members: 'builds',
};

/** All problems with the shape of a file. */
export function validateShape(root: Node): readonly Problem[] {
  if (root.kind !== 'map') {
    return [
      problem('config/wrong-type', `A builds file must be a map of sections, not ${kindOf(root)}`, {
        hint: 'Start with `builds:` and put the builds below it.',
        ...at(root),
      }),
    ];
  }
  if (checkShape(toPlain(root))) return [];
  const problems: Problem[] = [];
  for (const error of checkShape.errors ?? []) {
    const found = explain(root, error);
    if (found !== undefined) problems.push(found);
  }
  return problems;
}

interface Located {
  readonly path: readonly string[];
  readonly node: Node;
  readonly parent?: MapNode;
}

function locate(root: MapNode, pointer: string): Located {
  const path = pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  let node: Node = root;
  let parent: MapNode | undefined;
  for (const segment of path) {
    let next: Node | undefined;
    if (node.kind === 'map') {
      parent = node;
      next = node.entries.get(segment)?.value;
    } else if (node.kind === 'list') {
      parent = undefined;
      next = node.items[Number(segment)];
    }
    if (next === undefined) break;
    node = next;
  }
  return { path, node, ...(parent === undefined ? {} : { parent }) };
}

function explain(root: MapNode, error: ShapeError): Problem | undefined {
  const { path, node, parent } = locate(root, error.instancePath);
  const about = path[0] === 'builds' && path[1] !== undefined ? { build: path[1] } : {};
  const { params } = error;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(path, node, String(params['additionalProperty']), error, about);
    case 'false schema': {
      const key = path.at(-1) ?? '';
      const entry = parent?.entries.get(key);
      return problem('config/unknown-key', `A template cannot have "${key}"`, {
        hint: `"${key}" is for builds only.`,
        ...(parent !== undefined && entry !== undefined ? atKey(parent, entry) : at(node)),
      });
    }
    case 'propertyNames':
      return badName(path, node, String(params['propertyName']), about);
    case 'type':
    case 'pattern':
    case 'enum':
    case 'minimum': {
      if (error.propertyName !== undefined) return undefined;
      return wrongType(path, node, parent, error, about);
    }
    default:
      return problem('config/wrong-type', `${nameOf(path)} is wrong`, {
        ...at(node),
        ...about,
      });
  }
}

/** The part of the schema with an error's keyword: `#/$defs/build/properties/push/type` without the last component. */
function parentOf(error: ShapeError): unknown {
  let part: unknown = schema;
  for (const segment of error.schemaPath.split('/').slice(1, -1)) {
    const name = decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    part =
      typeof part === 'object' && part !== null
        ? (part as Readonly<Record<string, unknown>>)[name]
        : undefined;
  }
  return part ?? {};
}

function unknownKey(
  path: readonly string[],
  node: Node,
  key: string,
  error: ShapeError,
  about: { readonly build?: string },
): Problem {
  const parentSchema = parentOf(error) as { readonly properties?: Readonly<Record<string, unknown>> };
  const known = Object.keys(parentSchema.properties ?? {}).filter((name) => !name.startsWith('$'));
  const foreign = FOREIGN_KEYS[key] ?? FOREIGN_KEYS[key.replaceAll('_', '-')];
  const meant = foreign !== undefined && known.includes(foreign) ? foreign : suggest(key, known);
  const where = path.length === 0 ? 'at the top of the file' : `in ${path.join('.')}`;
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined;
  return problem('config/unknown-key', `There is no key "${key}" ${where}`, {
    hint: meant === undefined ? elsewhere(path, key, known) : `Did you mean "${meant}"?`,
    ...(node.kind === 'map' && entry !== undefined ? atKey(node, entry) : at(node)),
    ...about,
  });
}

/** Unusual spaces of word processors and web pages, which YAML treats as letters. */
const ODD_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]/;

function elsewhere(path: readonly string[], key: string, known: readonly string[]): string {
  const { properties, $defs } = schema;
  const isBuildKey = key in $defs.build.properties;
  if (ODD_SPACE.test(key)) return 'It has a character that only looks like a space; retype the spaces.';
  if (path.length === 0 && isBuildKey) return `Put "${key}" below builds.NAME: it is a key of a build.`;
  if (path[0] === 'vars')
    return `Valid keys: ${known.join(', ')}. To set a map as the value, put it below default.`;
  if (path.length > 0 && key in properties) return `Move "${key}" to the top of the file: it is a section.`;
  return `Valid keys: ${known.join(', ')}.`;
}

const NAME_HINTS: Readonly<Record<string, string>> = {
  vars: 'Use letters, digits and _, and do not start with a digit.',
  functions: 'Write name(parameter, …); use letters, digits and _, and do not start with a digit.',
};

function badName(
  path: readonly string[],
  node: Node,
  name: string,
  about: { readonly build?: string },
): Problem {
  const entry = node.kind === 'map' ? node.entries.get(name) : undefined;
  const hint = NAME_HINTS[path[0] ?? ''];
  return problem('config/bad-name', `"${name}" cannot be a name in ${path.join('.')}`, {
    hint: hint ?? 'Use letters, digits, _, . and -, and start with a letter, digit or _.',
    ...(node.kind === 'map' && entry !== undefined ? atKey(node, entry) : at(node)),
    ...about,
  });
}

function wrongType(
  path: readonly string[],
  node: Node,
  parent: MapNode | undefined,
  error: ShapeError,
  about: { readonly build?: string },
): Problem {
  const parentSchema = parentOf(error) as {
    readonly title?: string;
    readonly type?: string | string[];
    readonly enum?: readonly unknown[];
    readonly examples?: readonly unknown[];
  };
  const types = [parentSchema.type ?? []].flat();
  const expected = parentSchema.title ?? types.filter((type) => type !== 'null').join(' or ');
  const wanted = expected === '' || !parentSchema.title ? 'text' : expected;
  const words = (parentSchema.enum ?? parentSchema.examples ?? []).filter((word) => typeof word === 'string');
  const near =
    node.kind === 'scalar' && typeof node.value === 'string' ? suggest(node.text, words) : undefined;
  const hint = near === undefined ? hintForType(path, node, types) : `Did you mean "${near}"?`;
  let location: { readonly span?: Span } = at(node);
  const entry = parent?.entries.get(path.at(-1) ?? '');
  if (node.kind !== 'scalar' && parent !== undefined && entry !== undefined) location = atKey(parent, entry);
  return problem('config/wrong-type', `${nameOf(path)} must be ${wanted}, not ${kindOf(node)}`, {
    ...(hint === undefined ? {} : { hint }),
    ...location,
    ...about,
  });
}

function hintForType(path: readonly string[], node: Node, types: readonly string[]): string | undefined {
  if (node.kind === 'scalar' && types.includes('array') && typeof node.value === 'string') {
    return `Write it as a list: [${node.text}]`;
  }
  if (node.kind === 'list' && types.includes('object')) {
    const first = node.items[0];
    if (path.length === 1) return `Put each below its name: ${path[0]}: { NAME: { … } }.`;
    const isPairs = first?.kind === 'scalar' && first.text.includes('=');
    return isPairs ? `Write NAME: value instead of - NAME=value.` : undefined;
  }
  const [only] = node.kind === 'map' && node.entries.size === 1 ? [...node.entries.values()] : [];
  if (only !== undefined && path.at(-1) !== undefined && types.includes('string')) {
    return `"${only.key}: …" was read as a map with one key; a value that contains ": " needs quotes.`;
  }
  return undefined;
}

function nameOf(path: readonly string[]): string {
  if (path.length === 0) return 'The file';
  const last = path.at(-1) ?? '';
  return /^[0-9]+$/.test(last) ? `Item ${Number(last) + 1} of "${path.at(-2) ?? ''}"` : `"${last}"`;
}
