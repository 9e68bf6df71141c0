/** Imports any supported file; its kind is detected from its content. */
import type { BakeDefinition } from '../bake/mod.ts';
import { fail, ok, problem, type Result, type SourceFile } from '../model/mod.ts';
import { draftBake, draftFlat, type SourceText } from './bake.ts';
import { createEvaluated, evaluateBake, printAll } from './bake-evaluated.ts';
import { type ComposeReader, draftCompose } from './compose.ts';
import { type Draft, formatNotes, isRecord } from './draft.ts';
import { emitDraft } from './emit.ts';
import { shareCommon } from './share.ts';

/** The result of an import: the file, and notes. */
export interface Imported {
  /** The text of a builds.yaml. */
  readonly yaml: string;
  /** What could not be converted, or has another meaning in builds.yaml; one sentence each. */
  readonly notes: readonly string[];
  /**
   * For bake files that people write: the builds that bake makes of them in an environment, as a builds file without
   * shared keys, to compare `yaml` with. Undefined if bake rejects them.
   */
  readonly spellOut?: (env: Readonly<Record<string, string>>) => Promise<string | undefined>;
  /** Names of the templates in it. */
  readonly templates: readonly string[];
  /** A variable or function that the files use but do not declare. */
  readonly missing?: string;
  /** Variables of the bake files that accept any text, and those that are booleans. */
  readonly variables?: { readonly texts: readonly string[]; readonly flags: readonly string[] };
}

/** Surroundings of an import. */
export interface ImportOptions {
  /** Source of the text, as a person would name it: for messages and the comment at the top. */
  readonly fileName: string;
  /** Reads files that Compose files name. */
  readonly reader?: ComposeReader;
  /** Further files, which override the first one. */
  readonly more?: readonly SourceText[];
  /** bake's name for the machine's platform. */
  readonly localPlatform?: string;
  readonly now?: Date;
}

/**
 * Imports bake files (HCL or JSON), output of `bake --print`, or a Compose file. Problems: those of {@link draftBake} and
 * {@link draftCompose}.
 */
export async function importBuilds(text: string, options: ImportOptions): Promise<Result<Imported>> {
  const { fileName, more = [], localPlatform = 'linux/amd64', now = new Date() } = options;
  const files: readonly SourceText[] = [{ name: fileName, text }, ...more];
  const composes = files.filter((file) => isCompose(file.text, file.name));
  if (composes.length > 0 && composes.length < files.length) {
    const [compose] = composes;
    return fail([
      problem('import/mixed', `${compose?.name} is a Compose file, but the others are bake files`, {
        hint: 'Import them one by one; a builds.yaml can include another one.',
      }),
    ]);
  }
  if (composes.length > 0) {
    const drafted = await draftCompose(files, options.reader);
    return drafted.ok ? ok(written(drafted.value, files)) : drafted;
  }
  const sources = files.map((file): SourceFile => ({ path: file.name, text: file.text }));
  const evaluate = async (env: Readonly<Record<string, string>>): Promise<Result<BakeDefinition>> =>
    evaluateBake(sources, { env, localPlatform, now });
  // Without an environment: its values must not be written into a file.
  const evaluated = await evaluate({});
  const drafted = draftBake(
    files,
    evaluated.ok ? createEvaluated(evaluated.value, localPlatform) : undefined,
  );
  if (!drafted.ok) return drafted;
  const imported = written(drafted.value, files);
  if (drafted.value.isFlat) return ok(imported);
  if (!evaluated.ok) {
    const why = evaluated.error[0]?.message ?? 'it cannot be evaluated';
    const missing = /^There is no (?:variable|function) ([\w-]+)/.exec(why)?.[1];
    return ok({
      ...imported,
      notes: [...imported.notes, `bake would reject the file: ${why}`],
      ...(missing === undefined ? {} : { missing }),
    });
  }
  const ruled = ruledVariables(drafted.value);
  const variables = [...evaluated.value.variables.values()].filter(({ name }) => !ruled.has(name));
  return ok({
    ...imported,
    variables: {
      texts: variables.filter(({ value }) => typeof value === 'string').map(({ name }) => name),
      flags: variables.filter(({ value }) => typeof value === 'boolean').map(({ name }) => name),
    },
    spellOut: async (env) => {
      const definition = await evaluate(env);
      const printed = definition.ok ? printAll(definition.value) : definition;
      return printed.ok ? emitDraft(draftFlat(printed.value)) : undefined;
    },
  });
}

/** Variables that do not accept every value. */
function ruledVariables({ variables }: Draft): ReadonlySet<string> {
  const rules = ['oneOf', 'pattern', 'check', 'required', 'minimum', 'maximum'];
  return new Set(
    variables.flatMap(({ name, value }) =>
      isRecord(value) && rules.some((rule) => rule in value) ? [name] : [],
    ),
  );
}

function written(draft: Draft, files: readonly SourceText[]): Imported {
  const names = [...files.map(({ name }) => name), ...(draft.sources ?? [])].join(', ');
  draft.header.unshift(`Made from ${names} by bake-ts import.`, ...(draft.header.length > 0 ? [''] : []));
  if (draft.isFlat) shareCommon(draft);
  return {
    yaml: emitDraft(draft),
    notes: formatNotes(draft),
    templates: draft.templates.map(({ name }) => name),
  };
}

/** A JSON file may also be Compose's: it is if it has `services`. */
function isCompose(text: string, fileName: string): boolean {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (start.startsWith('{')) return /"services"\s*:/.test(start) && !/"target"\s*:\s*[{[]/.test(start);
  if (/^\s*(?:target|group|variable|function)\s+"[^"]*"\s*\{/m.test(text)) return false;
  return /\.ya?ml$/i.test(fileName) || /^services\s*:/m.test(text);
}
