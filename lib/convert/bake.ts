/**
 * Converts bake files to builds.yaml: the output of `docker buildx bake --print`, which is final, and files that people
 * write (HCL and HCL's JSON form), whose structure is kept.
 */
import { fail, type Json, ok, type Problem, problem, type Result, type SourceFile } from '../model/mod.ts';
import { attributeOf, type BakeImport, createBakeImport, LOCAL_PLATFORM } from './bake-context.ts';
import { type Evaluated, NOTHING_EVALUATED } from './bake-evaluated.ts';
import { type BakeFiles, isJson, readBakeFiles, sourceOf } from './bake-file.ts';
import { createFunctionMemory, type FunctionMemory, type KeptFunctions } from './bake-functions.ts';
import { addGroups, type SourceGroup } from './bake-groups.ts';
import { findLineage, findTemplates } from './bake-lineage.ts';
import { type Block, draftPrinted, isPrinted } from './bake-printed.ts';
import { readTarget } from './bake-targets.ts';
import { addVariables } from './bake-variables.ts';
import { Untranslatable } from './cel-text.ts';
import { addNote, createDraft, type Draft, isRecord } from './draft.ts';
import { readValue } from './hcl-value.ts';
import type { Writing } from './hcl-writing.ts';
import { fitNames } from './names.ts';

/** A file to convert. */
export interface SourceText {
  /** As a person would name it. */
  readonly name: string;
  readonly text: string;
}

/**
 * Converts bake files to a draft; later files override earlier ones, as in bake. Problems: `import/not-json`, those of
 * HCL's syntax (`bake/syntax`), `import/nothing-to-build` (there is no target).
 */
export function draftBake(
  files: readonly SourceText[],
  evaluated: (context: BakeImport) => Evaluated = () => NOTHING_EVALUATED,
): Result<Draft> {
  const [only] = files;
  if (files.length === 1 && only !== undefined && isJson(only.text)) {
    const printed = readPrinted(only);
    if (!printed.ok) return fail([printed.error]);
    if (printed.value !== undefined) return ok(printed.value);
  }
  const sources = files.map(({ name, text }): SourceFile => ({ path: name, text }));
  const read = readBakeFiles(sources);
  if (!read.ok) return read;
  if (read.value.targets.size === 0) {
    return fail([
      problem('import/nothing-to-build', `${files.map(({ name }) => name).join(' and ')} has no target`, {
        hint: 'Give a bake file, or the JSON that docker buildx bake --print writes.',
      }),
    ]);
  }
  return ok(draftWritten(read.value, evaluated));
}

/** `--print` output as a builds file without any shared keys. */
export function draftFlat(printed: Block): Draft {
  const draft = createDraft();
  draftPrinted(
    printed,
    draft,
    fitTargets(Object.keys(isRecord(printed['target']) ? printed['target'] : {}), draft),
  );
  return { ...draft, isFlat: true };
}

/** Parses `--print` output; undefined if a person wrote the file. */
function readPrinted({ name, text }: SourceText): Result<Draft | undefined, Problem> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    return fail(
      problem('import/not-json', `${name} is not valid JSON`, {
        hint: 'Give a bake file, or the JSON that docker buildx bake --print writes.',
        detail: thrown instanceof Error ? thrown.message : String(thrown),
      }),
    );
  }
  if (!isRecord(value) || !isPrinted(value)) return ok(undefined);
  const draft = draftFlat(value);
  for (const key of Object.keys(value)) {
    if (key !== 'group' && key !== 'target')
      addNote(draft, `\`${key}\` at the top of the file is not supported by bake-ts`);
  }
  return ok(draft);
}

function fitTargets(written: Iterable<string>, draft: Draft): ReadonlyMap<string, string> {
  const names = fitNames(written);
  for (const [name, fitted] of names) {
    if (name !== fitted) addNote(draft, `target "${name}" is renamed to "${fitted}"`);
  }
  return names;
}

/** Maximum number of rounds to find the types of functions' arguments. */
const MAX_ROUNDS = 12;

function draftWritten(files: BakeFiles, evaluate: (context: BakeImport) => Evaluated): Draft {
  const memory = createFunctionMemory();
  for (let round = 1; ; round++) {
    memory.hasNews = false;
    const { draft, kept, localPlatform } = draftRound(files, evaluate, memory);
    // Types that never settle belong to functions that are called with ever larger types.
    if (memory.hasNews && round > MAX_ROUNDS)
      for (const name of files.functions.keys()) memory.inlined.add(name);
    else if (memory.hasNews || kept.choose()) continue;
    else {
      const { variables, templates, builds, functions, groups } = draft;
      const texts = [...templates, ...builds].flatMap(({ keys }) => [...keys.values()]);
      functions.push(...kept.drafts(JSON.stringify([variables.map(({ value }) => value), texts, groups])));
      const all = JSON.stringify([variables, functions.map(({ value }) => value), texts, groups]);
      if (all.includes(`vars.${LOCAL_PLATFORM}`)) addLocalPlatform(draft, localPlatform);
      return draft;
    }
  }
}

function draftRound(
  files: BakeFiles,
  evaluate: (context: BakeImport) => Evaluated,
  memory: FunctionMemory,
): { readonly draft: Draft; readonly kept: KeptFunctions; readonly localPlatform: string } {
  const draft: Draft = { ...createDraft(), hasGroupsFirst: files.hasGroupsFirst, footer: files.tail };
  draft.header.push(...files.head);
  const names = fitTargets(files.targets.keys(), draft);
  const bare = createBakeImport(files, draft, names, memory);
  const evaluated = evaluate(bare);
  const { rowNames } = evaluated;
  const context: BakeImport = rowNames === undefined ? bare : { ...bare, rowNames };
  addVariables(context, evaluated.variable);
  const lineage = findLineage(context);
  const templates = findTemplates(context);
  for (const [name, blocks] of files.targets) {
    const build = readTarget(name, blocks, context, lineage, evaluated.target);
    (templates.has(name) ? draft.templates : draft.builds).push(build);
  }
  addGroups(draft, readGroups(context, evaluated), names);
  return { draft, kept: context.kept, localPlatform: evaluated.localPlatform };
}

/** The machine's platform is only known in `platforms: [local]`. */
function addLocalPlatform(draft: Draft, localPlatform: string): void {
  draft.variables.unshift({
    name: LOCAL_PLATFORM,
    value: localPlatform,
    comments: [],
    remark: 'the platform of the machine that ran the import',
  });
  addNote(draft, `${LOCAL_PLATFORM} is now a variable with the value ${localPlatform} on every machine`);
}

function readGroups(context: BakeImport, evaluated: Evaluated): ReadonlyMap<string, SourceGroup> {
  const groups = new Map<string, SourceGroup>();
  for (const [name, block] of context.files.groups) {
    const targets = attributeOf(block, 'targets');
    const description = attributeOf(block, 'description');
    const words = description === undefined ? undefined : constantTexts(description, context)?.[0];
    let members = targets === undefined ? [] : constantTexts(targets, context);
    let computed: Json | undefined;
    if (members === undefined && targets !== undefined) {
      members = evaluated.group(name) ?? [];
      computed = members.every((member) => isThere(member, context))
        ? computedTexts(targets, context)
        : undefined;
    }
    if (targets !== undefined && computed === undefined && constantTexts(targets, context) === undefined) {
      addNote(
        context.draft,
        `its list is computed; replaced by its current value: ${sourceOf(targets)}`,
        `group ${name}`,
      );
    }
    const unknown = (members ?? []).filter((member) => !isThere(member, context));
    if (unknown.length > 0) {
      members = members?.filter((member) => !unknown.includes(member));
      addNote(
        context.draft,
        `there is no target or group ${unknown.join(', ')}; it is left out`,
        `group ${name}`,
      );
    }
    const remarks = [block.comments.behind, ...block.attributes.map((one) => one.comments.behind)];
    const remark = remarks.find((one) => one !== undefined);
    groups.set(name, {
      members: members ?? [],
      ...(computed === undefined ? {} : { computed }),
      ...(words === undefined ? {} : { description: words }),
      comments: [...block.comments.above, ...block.attributes.flatMap((one) => one.comments.above)],
      ...(remark === undefined ? {} : { remark }),
    });
  }
  return groups;
}

/** A group may list rows of a matrix, whose names are not known before evaluation. */
function isThere(member: string, { files, rowNames }: BakeImport): boolean {
  if (files.targets.has(member) || files.groups.has(member)) return true;
  if (rowNames !== undefined) return rowNames.has(member);
  return [...files.targets.values()].flat().some((block) => attributeOf(block, 'matrix') !== undefined);
}

/** A list that depends on variables; undefined if it cannot be converted, or targets have other names here. */
function computedTexts(
  expression: Parameters<typeof readValue>[0],
  { marks, writing, names }: BakeImport,
): Json | undefined {
  if ([...names].some(([name, fitted]) => name !== fitted)) return undefined;
  try {
    return marks.expand(readValue(expression, { w: writing(), marks, isLoose: true, isFlat: true }));
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

/** The constant texts of a list, or a single constant text. */
function constantTexts(
  expression: Parameters<typeof readValue>[0],
  { marks, writing }: BakeImport,
): readonly string[] | undefined {
  try {
    const w: Writing = { ...writing(), inPlace: 'all' };
    const value = readValue(expression, { w, marks, isLoose: true, isFlat: true });
    const texts = [value].flat();
    const isKnown = texts.every((text): text is string => typeof text === 'string' && !marks.isMarked(text));
    return isKnown ? texts : undefined;
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}
