/**
 * A builds file under construction, filled by the importers and `init` and written by emit.ts. All its texts are texts of
 * builds.yaml: literals are escaped and references translated.
 */
import type { Json } from '../model/mod.ts';
import type { ValueComments } from './value-comments.ts';

/** A build or a template. */
export interface DraftBuild {
  readonly name: string;
  /** Values by key; emit.ts sorts them. */
  readonly keys: Map<string, Json>;
  /** Comment lines above it. */
  readonly comments: string[];
  /** Comment lines above its keys. */
  readonly keyComments: Map<string, readonly string[]>;
  /** Comments after its keys. */
  readonly keyRemarks: Map<string, string>;
  /** Comments inside the values of its keys. */
  readonly inside: Map<string, ValueComments>;
}

/** A group. */
export interface DraftGroup {
  readonly name: string;
  readonly members: readonly string[];
  /** An expression that replaces the members. */
  readonly computed?: Json;
  readonly description?: string;
  readonly comments?: readonly string[];
  /** A comment after it. */
  readonly remark?: string;
}

/** A variable, in short form or as a map. */
export interface DraftVariable {
  readonly name: string;
  readonly value: Json;
  readonly comments: readonly string[];
  /** A comment after it. */
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
  /** Comments after parts of it. */
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
  /** What could not be converted or has another meaning: a sentence, and the builds that it is about. */
  readonly notes: Map<string, string[]>;
  /** True if every build has all its values: common ones may be moved to a template. */
  readonly isFlat: boolean;
  /** Groups come before builds. */
  readonly hasGroupsFirst?: boolean;
  /** Further files that were converted. */
  readonly sources?: readonly string[];
  /** Comment at the end. */
  readonly footer?: readonly string[];
}

/** Adds a note; one sentence for all builds with it. */
export function addNote(draft: Draft, sentence: string, build?: string): void {
  const known = draft.notes.get(sentence) ?? [];
  if (build !== undefined && !known.includes(build)) known.push(build);
  draft.notes.set(sentence, known);
}

/** Maximum number of builds that a note lists. */
const MAX_NAMES = 6;

/** The notes as sentences that start with the builds. */
export function formatNotes(draft: Draft): readonly string[] {
  return [...draft.notes].map(([sentence, builds]) => {
    if (builds.length === 0) return sentence;
    const shown = builds.slice(0, MAX_NAMES).join(', ');
    const more = builds.length > MAX_NAMES ? ` and ${builds.length - MAX_NAMES} more` : '';
    return `${shown}${more}: ${sentence}`;
  });
}

/** An empty file. */
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

/** Escapes text that must not be evaluated: `${{` would start an expression. */
export function literal(text: string): string {
  // A function, because `$$` in a replacement text means a single `$`.
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

/** A single value as a list; null is an empty list. */
export function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

/** The texts of a list (or of a single value); other items are left out. */
export function textList(value: unknown): readonly string[] {
  return asList(value).flatMap((item) => scalarText(item) ?? []);
}
