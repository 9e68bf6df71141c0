/**
 * A builds file in the making: what both importers and `init` fill in, and emit.ts writes. Every text in it is text of
 * the language already: literals escaped, references translated.
 */
import type { Json } from '../model/mod.ts';
import type { ValueComments } from './value-comments.ts';

/** A build or a template. */
export interface DraftBuild {
  readonly name: string;
  /** Values by key of the language; emit.ts brings them into its order. */
  readonly keys: Map<string, Json>;
  /** Lines that stand above it as a comment. */
  readonly comments: string[];
  /** Lines that stand above one of its keys. */
  readonly keyComments: Map<string, readonly string[]>;
  /** A comment behind a key. */
  readonly keyRemarks: Map<string, string>;
  /** Comments inside the values of its keys. */
  readonly inside: Map<string, ValueComments>;
}

/** A group. */
export interface DraftGroup {
  readonly name: string;
  readonly members: readonly string[];
  /** What stands in the file in place of them: an expression. */
  readonly computed?: Json;
  readonly description?: string;
  readonly comments?: readonly string[];
  /** A comment behind it. */
  readonly remark?: string;
}

/** A variable: its short form, or a map. */
export interface DraftVariable {
  readonly name: string;
  readonly value: Json;
  readonly comments: readonly string[];
  /** A comment behind it. */
  readonly remark?: string;
  /** Comments inside its default. */
  readonly inside?: ValueComments;
}

/** A function. */
export interface DraftFunction {
  /** `name(parameters)` */
  readonly signature: string;
  readonly value: Json;
  readonly comments: readonly string[];
  /** Comments that stood behind parts of it. */
  readonly remarks: readonly string[];
  readonly inside?: ValueComments;
}

/** The whole file. */
export interface Draft {
  /** Comment at the top. */
  readonly header: string[];
  readonly variables: DraftVariable[];
  readonly functions: DraftFunction[];
  readonly templates: DraftBuild[];
  readonly builds: DraftBuild[];
  readonly groups: DraftGroup[];
  /** What could not be carried over, or reads otherwise here: a sentence, and the builds it is about. */
  readonly notes: Map<string, string[]>;
  /** True where every value was spelled out for each build: what most say alike may go into a template. */
  readonly isFlat: boolean;
  /** Groups stand in front of builds. */
  readonly hasGroupsFirst?: boolean;
  /** Further files that it was made from. */
  readonly sources?: readonly string[];
  /** Comment at the end. */
  readonly footer?: readonly string[];
}

/** Takes down a note; one sentence for all the builds it is about. */
export function addNote(draft: Draft, sentence: string, build?: string): void {
  const known = draft.notes.get(sentence) ?? [];
  if (build !== undefined && !known.includes(build)) known.push(build);
  draft.notes.set(sentence, known);
}

/** Names of builds that a note lists at most. */
const MAX_NAMES = 6;

/** The notes as sentences, each with its builds in front. */
export function formatNotes(draft: Draft): readonly string[] {
  return [...draft.notes].map(([sentence, builds]) => {
    if (builds.length === 0) return sentence;
    const shown = builds.slice(0, MAX_NAMES).join(', ');
    const more = builds.length > MAX_NAMES ? ` and ${builds.length - MAX_NAMES} more` : '';
    return `${shown}${more}: ${sentence}`;
  });
}

/** A file without anything in it. */
export function createDraft(): Draft {
  return {
    header: [],
    variables: [],
    functions: [],
    templates: [],
    builds: [],
    groups: [],
    notes: new Map(),
    isFlat: false,
  };
}

/** A build without keys. */
export function createBuild(name: string): DraftBuild {
  return {
    name,
    keys: new Map(),
    comments: [],
    keyComments: new Map(),
    keyRemarks: new Map(),
    inside: new Map(),
  };
}

/** Text that must stay as it is: `${{` would start an expression. */
export function literal(text: string): string {
  // A function, because `$$` in a replacement text means one `$`.
  return text.replaceAll('${{', () => '$${{');
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a scalar; undefined for null, lists and maps. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Puts several sources of one kind of list together: a lone value is a list of one, null is none. */
export function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

/** The texts of a list (or of a lone value); whatever is none is left out. */
export function textList(value: unknown): readonly string[] {
  return asList(value).flatMap((item) => scalarText(item) ?? []);
}
