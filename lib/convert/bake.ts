/**
 * `docker buildx bake --print` JSON, or a bake file in JSON, as builds.yaml. What `--print` writes is final: every text
 * is literal. In a file, texts are HCL templates (hcl.ts), and targets inherit and multiply.
 */
import { fail, type Json, ok, type Problem, problem, type Result } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import {
  addNote,
  asList,
  createBuild,
  createDraft,
  type Draft,
  type DraftBuild,
  isRecord,
  literal,
  scalarText,
  textList,
} from './draft.ts';
import { createHclReader, type HclNames, readFunctions } from './hcl-text.ts';
import { fitNames, freeName } from './names.ts';
import { convertTarget } from './target.ts';

/** A file to convert. */
export interface SourceText {
  /** As a person would name it. */
  readonly name: string;
  readonly text: string;
}

type Block = Readonly<Record<string, unknown>>;

/** Sections of a bake file that mean something to us. */
const SECTIONS: ReadonlySet<string> = new Set(['group', 'target', 'variable', 'function']);

/**
 * Turns bake's JSON into a draft; of several files, later ones are laid over earlier ones, as bake does. Problems:
 * `import/not-json`, `import/hcl` (an HCL file was given), `import/nothing-to-build` (no target in it).
 */
export function draftBake(files: readonly SourceText[]): Result<Draft> {
  const parts: Block[] = [];
  for (const file of files) {
    const parsed = parseJson(file);
    if (!parsed.ok) return fail([parsed.error]);
    parts.push(parsed.value);
  }
  const sections = (name: string): readonly unknown[] => parts.map((part) => part[name]);
  const targets = blocksOf(sections('target'), mergeTargets);
  if (targets.size === 0) {
    return fail([
      problem('import/nothing-to-build', `${files.map(({ name }) => name).join(' and ')} has no target`, {
        hint: 'Give the JSON that docker buildx bake --print writes, or a docker-bake.json.',
      }),
    ]);
  }
  const draft = createDraft();
  const variables = blocksOf(sections('variable'));
  const functions = blocksOf(sections('function'));
  const isPrinted = variables.size === 0 && functions.size === 0 && [...targets.values()].every(isFinal);
  for (const key of new Set(parts.flatMap((part) => Object.keys(part)))) {
    if (!SECTIONS.has(key)) addNote(draft, `\`${key}\` at the top of the file means nothing to bake-ts`);
  }
  const context: ImportContext = {
    draft,
    names: fitNames(targets.keys()),
    parents: new Set([...targets.values()].flatMap((block) => textList(block['inherits']))),
    hcl: {
      variables: kindsOf(variables),
      functions: isPrinted ? new Map() : readFunctions(functions),
      axes: new Map(),
    },
  };
  for (const [name, fitted] of context.names) {
    if (name !== fitted) addNote(draft, `target "${name}" is called "${fitted}" here`);
  }
  for (const [name, block] of variables) addVariable(name, block, context);
  const groups = blocksOf(sections('group'));
  const onlyInherited = findTemplates(targets, groups);
  for (const [name, block] of targets) {
    const build = isPrinted ? readPrinted(name, block, context) : readTarget(name, block, context);
    (onlyInherited.has(name) ? draft.templates : draft.builds).push(build);
  }
  addGroups(groups, context);
  return ok({ ...draft, isFlat: isPrinted });
}

interface ImportContext {
  readonly draft: Draft;
  /** Name in the file → name here. */
  readonly names: ReadonlyMap<string, string>;
  /** Targets that others inherit from. */
  readonly parents: ReadonlySet<string>;
  readonly hcl: HclNames;
}

function parseJson({ name, text }: SourceText): Result<Block, Problem> {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isRecord(value)) return ok(value);
    return fail(
      problem('import/not-json', `${name} is JSON, but no object`, {
        hint: 'Give the JSON that docker buildx bake --print writes.',
      }),
    );
  } catch (thrown) {
    if (/^\s*(?:target|group|variable|function)\s+"[^"]*"\s*\{/m.test(text)) {
      return fail(
        problem('import/hcl', `${name} is a bake file in HCL, which only bake can evaluate`, {
          hint: 'docker buildx bake --print > bake.json (name all targets that matter), then bake-ts import bake.json.',
        }),
      );
    }
    return fail(
      problem('import/not-json', `${name} is not valid JSON`, {
        hint: 'Give the JSON that docker buildx bake --print writes.',
        detail: thrown instanceof Error ? thrown.message : String(thrown),
      }),
    );
  }
}

/** Named blocks of one section of each file; HCL in JSON may give them as a list of objects, too. */
function blocksOf(
  sections: readonly unknown[],
  merge: (below: Block, over: Block) => Block = (below, over) => ({ ...below, ...over }),
): ReadonlyMap<string, Block> {
  const blocks = new Map<string, Block>();
  for (const part of sections.flatMap(asList)) {
    if (!isRecord(part)) continue;
    for (const [name, body] of Object.entries(part)) {
      for (const one of asList(body)) if (isRecord(one)) blocks.set(name, merge(blocks.get(name) ?? {}, one));
      if (asList(body).length === 0) blocks.set(name, blocks.get(name) ?? {});
    }
  }
  return blocks;
}

/** What bake joins where a target is written twice (buildx bake/bake.go, `Target.Merge`); all else is replaced. */
const MERGED_MAPS: ReadonlySet<string> = new Set(['args', 'labels', 'contexts', 'extra-hosts']);
const MERGED_LISTS: ReadonlySet<string> = new Set([
  'inherits',
  'annotations',
  'attest',
  'secret',
  'ssh',
  'cache-from',
  'no-cache-filter',
  'ulimits',
  'entitlements',
]);

function mergeTargets(below: Block, over: Block): Block {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(over)) {
    const known = below[key];
    if (MERGED_MAPS.has(key) && isRecord(known) && isRecord(value)) merged[key] = { ...known, ...value };
    else if (MERGED_LISTS.has(key) && Array.isArray(known) && Array.isArray(value)) {
      merged[key] = [...(known as readonly unknown[]), ...(value as readonly unknown[])];
    } else merged[key] = value;
  }
  return merged;
}

/** `--print` writes context and Dockerfile of every target and neither parents nor matrices. */
function isFinal(target: Block): boolean {
  const isOpen = ['inherits', 'matrix', 'name'].some((key) => target[key] !== undefined);
  return !isOpen && typeof target['context'] === 'string' && typeof target['dockerfile'] === 'string';
}

function readPrinted(name: string, block: Block, context: ImportContext): DraftBuild {
  const { draft, names } = context;
  const build = createBuild(names.get(name) ?? name);
  convertTarget(build, unescapePrinted(block), {
    textOf: literal,
    isComputed: () => false,
    mayInherit: false,
    nameOf: (other) => names.get(other) ?? other,
    note: (sentence) => addNote(draft, sentence, build.name),
  });
  return build;
}

/** What `--print` escapes so that bake can read it again (buildx bake/bake.go, `Target.MarshalJSON`). */
const ESCAPED_KEYS: ReadonlySet<string> = new Set([
  'annotations',
  'dockerfile-inline',
  'labels',
  'args',
  'extra-hosts',
]);

function unescapePrinted(block: Block): Block {
  return Object.fromEntries(
    Object.entries(block).map(([key, value]) => [key, ESCAPED_KEYS.has(key) ? unescapeAll(value) : value]),
  );
}

function unescapeAll(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$${', () => '${').replaceAll('%%{', '%{');
  if (Array.isArray(value)) return value.map(unescapeAll);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unescapeAll(inner)]));
}

function readTarget(name: string, block: Block, context: ImportContext): DraftBuild {
  const { draft, names, hcl } = context;
  const build = createBuild(names.get(name) ?? name);
  const note = (sentence: string): void => {
    addNote(draft, sentence, build.name);
  };
  const axes = axesOf(block['matrix'], note);
  const reader = createHclReader({ ...hcl, axes: axes.kinds }, (text, why) => {
    build.comments.push(`Not carried over: ${text}`);
    note(`${why}: ${text}`);
  });
  const parents = asList(block['inherits']).flatMap((parent): Json[] => {
    const text = scalarText(parent);
    if (text === undefined) return [];
    return [reader.isComputed(text) ? reader.textOf(text) : (names.get(text) ?? text)];
  });
  if (parents.length > 0) build.keys.set('extends', parents.length === 1 ? (parents[0] ?? null) : parents);
  if (axes.matrix !== undefined) {
    build.keys.set('matrix', translate(axes.matrix, reader));
    const rowName = scalarText(block['name']);
    if (rowName !== undefined) build.keys.set('name', reader.textOf(rowName));
  }
  convertTarget(build, block, {
    ...reader,
    nameOf: (other) => names.get(other) ?? other,
    mayInherit: parents.length > 0 || context.parents.has(name),
    note,
  });
  return build;
}

interface Axes {
  readonly matrix?: Readonly<Record<string, unknown>>;
  readonly kinds: HclNames['axes'];
}

const RESERVED_AXES: ReadonlySet<string> = new Set(['include', 'exclude', 'when']);

function axesOf(matrix: unknown, note: (sentence: string) => void): Axes {
  const kinds = new Map<string, { readonly name: string; readonly isText: boolean }>();
  if (!isRecord(matrix)) return { kinds };
  const written: Record<string, unknown> = {};
  for (const [axis, values] of Object.entries(matrix)) {
    const name = RESERVED_AXES.has(axis) ? `${axis}_` : axis.replaceAll(/[^A-Za-z0-9_]/g, '_');
    if (name !== axis) note(`the matrix axis "${axis}" is called "${name}" here`);
    written[name] = values;
    kinds.set(axis, { name, isText: asList(values).every((value) => typeof value === 'string') });
  }
  return { matrix: written, kinds };
}

/** Any value with all its texts translated. */
function translate(value: unknown, reader: TextReader): Json {
  if (typeof value === 'string') return reader.textOf(value);
  if (Array.isArray(value)) return value.map((item: unknown) => translate(item, reader));
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, translate(inner, reader)]));
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function kindsOf(variables: ReadonlyMap<string, Block>): HclNames['variables'] {
  return new Map(
    [...variables].map(([name, block]) => {
      const { default: value, type } = block;
      const isText =
        type === 'string' ||
        (type === undefined && (value === undefined || value === null || typeof value === 'string'));
      return [name, { isText }] as const;
    }),
  );
}

const VARIABLE_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'bool',
  number: 'number',
};

function addVariable(name: string, block: Block, context: ImportContext): void {
  const { draft, hcl } = context;
  const comments: string[] = [];
  const reader = createHclReader({ ...hcl, axes: new Map() }, (text, why) => {
    comments.push(`Not carried over: ${text}`);
    addNote(draft, `${why}: ${text}`, `variable ${name}`);
  });
  const { default: written, description, type, validation } = block;
  const value = written === undefined || written === null ? '' : translate(written, reader);
  const more: Record<string, Json> = {};
  const kind = typeof type === 'string' ? typeOf(type) : undefined;
  if (kind !== undefined) more['type'] = kind;
  if (validation !== undefined) {
    comments.push('Its validation was not carried over; see oneOf, pattern, minimum, maximum and check.');
    addNote(draft, 'its validation was not carried over', `variable ${name}`);
  }
  if (typeof description === 'string') more['description'] = literal(description);
  const isShort = Object.keys(more).length === 0 && !isRecord(value);
  const isUnset = kind !== undefined && kind !== 'string' && value === '';
  draft.variables.push({
    name,
    value: isShort ? value : isUnset ? more : { default: value, ...more },
    comments,
  });
}

function typeOf(type: string): string | undefined {
  const bare = type.replace(/^\$\{(.*)\}$/, '$1').trim();
  if (/^(?:list|set|tuple)\b/.test(bare)) return 'list';
  if (/^(?:map|object)\b/.test(bare)) return 'map';
  return VARIABLE_TYPES[bare];
}

/** Targets that only others inherit from: nobody builds them. */
function findTemplates(
  targets: ReadonlyMap<string, Block>,
  groups: ReadonlyMap<string, Block>,
): ReadonlySet<string> {
  const parents = new Set<string>();
  const used = new Set(['default']);
  for (const block of targets.values()) {
    for (const parent of textList(block['inherits'])) parents.add(parent);
    if (!isRecord(block['contexts'])) continue;
    for (const source of Object.values(block['contexts'])) {
      used.add((scalarText(source) ?? '').replace(/^(?:target|service):/, ''));
    }
  }
  for (const group of groups.values()) for (const member of textList(group['targets'])) used.add(member);
  const lacks = (block: Block, keys: readonly string[]): boolean =>
    keys.every((key) => block[key] === undefined);
  const isBare = (block: Block): boolean =>
    lacks(block, ['context', 'dockerfile', 'dockerfile-inline', 'target']);
  const found = [...targets].filter(
    ([name, block]) =>
      parents.has(name) &&
      !used.has(name) &&
      lacks(block, ['matrix']) &&
      (isBare(block) || name.startsWith('_')),
  );
  return new Set(found.map(([name]) => name));
}

function addGroups(written: ReadonlyMap<string, Block>, context: ImportContext): void {
  const { draft, names } = context;
  const groups = new Map([...written].filter(([name, block]) => !isItself(name, block, names)));
  if (written.has('default') && !groups.has('default')) addNote(draft, defaultNote(names.size));
  const taken = new Set([...names.values(), ...groups.keys()]);
  const renamed = new Map<string, string>();
  const builds = new Set(names.values());
  for (const [name, fitted] of fitNames(groups.keys())) {
    if (name === fitted && !builds.has(name)) continue;
    const other = freeName(builds.has(fitted) ? `${fitted}-group` : fitted, taken);
    renamed.set(name, other);
    const why = builds.has(fitted) ? ': a name cannot mean a group and a build at once' : '';
    const effect =
      name === 'default' ? `; \`bake-ts run ${other}\` builds it, without a name it builds everything` : '';
    addNote(draft, `group "${name}" is called "${other}" here${why}${effect}`);
  }
  for (const [name, block] of groups) {
    // In bake a group may have the name of a target, and means the target where it lists itself.
    const members = membersOf(name, groups).map((text) => {
      const isOther = text !== name && groups.has(text);
      return (isOther ? renamed.get(text) : undefined) ?? names.get(text) ?? literal(text);
    });
    const description = scalarText(block['description']);
    draft.groups.push({
      name: renamed.get(name) ?? name,
      members,
      ...(description === undefined ? {} : { description: literal(description) }),
    });
  }
}

/** A group that only holds the target of its own name: that name means the build already. */
function isItself(name: string, block: Block, names: ReadonlyMap<string, string>): boolean {
  const members = asList(block['targets']);
  return names.has(name) && members.length === 1 && members[0] === name;
}

/**
 * What a group lists; of a cycle of groups, the targets in it. `bake --print all` makes such a cycle by itself where
 * `all` names `default`: it adds what was asked for to `default`.
 */
function membersOf(name: string, groups: ReadonlyMap<string, Block>): readonly string[] {
  const written = textList(groups.get(name)?.['targets']);
  const targets = new Set<string>();
  const seen = new Set<string>();
  const collect = (group: string): void => {
    seen.add(group);
    for (const member of textList(groups.get(group)?.['targets'])) {
      if (member === group || !groups.has(member)) targets.add(member);
      else if (!seen.has(member)) collect(member);
    }
  };
  for (const member of written)
    if (member !== name && groups.has(member) && !seen.has(member)) collect(member);
  return seen.has(name) ? [...targets] : written;
}

function defaultNote(count: number): string {
  return count === 1
    ? 'the group "default" is the build of that name'
    : 'the group "default" was only the build of that name and is left out; without it `bake-ts run` builds everything, `bake-ts run default` that one';
}
