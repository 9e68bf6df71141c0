/**
 * Keeping the values of sensitive variables out of what is shown, wherever they went: into an argument, a tag, the words
 * of a failing step.
 */
import type { Json, Variable } from './build.ts';

/** What is shown in place of a sensitive value. */
export const HIDDEN = '(hidden)';

/** What names of secrets have in them, for patterns. */
export const SECRET_WORDS = 'TOKEN|PASS|SECRET|KEY|CREDENTIAL|AUTH';
const SECRET_NAME = new RegExp(SECRET_WORDS, 'i');

/** Whether a name sounds as if its value were a secret, though nobody marked it as one. */
export function soundsSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Shorter values (`1`, `dev`) would hide half of everything by chance. */
const SHORTEST = 4;
const NOTHING: ReadonlySet<string> = new Set();
/** Knows the sensitive values of a set. */
export interface Hider {
  /** True where a text holds one of them. */
  readonly holds: (text: string) => boolean;
  /**
   * The same JSON document with each of them replaced in every text, except below keys in `kept`; the document itself is
   * not changed.
   */
  readonly hide: <T>(document: T, kept?: ReadonlySet<string>) => T;
}

/** A hider for the values of the variables of a set that are marked `sensitive`, also those inside of lists and maps. */
export function createHider(variables: ReadonlyMap<string, Variable>): Hider {
  const values = [...variables.values()].flatMap((one) => (one.sensitive ? textsIn(one.value) : []));
  const secrets = [...new Set(values)]
    .filter((value) => value.length >= SHORTEST)
    // Of two that begin alike the longer one goes first, or its end would stay.
    .sort((one, other) => other.length - one.length);
  if (secrets.length === 0) return { holds: () => false, hide: (document) => document };
  const walk = (value: unknown, kept: ReadonlySet<string>): unknown => {
    if (typeof value === 'string') return secrets.reduce((text, one) => text.replaceAll(one, HIDDEN), value);
    if (Array.isArray(value)) return value.map((item) => walk(item, kept));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, kept.has(key) ? item : walk(item, kept)]),
    );
  };
  return {
    holds: (text) => secrets.some((one) => text.includes(one)),
    hide: <T>(document: T, kept: ReadonlySet<string> = NOTHING) => walk(document, kept) as T,
  };
}

function textsIn(value: Json): readonly string[] {
  if (value === null || typeof value === 'boolean') return [];
  return typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [String(value)];
}
