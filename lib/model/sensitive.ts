/**
 * Keeps the values of sensitive variables out of all output and stored files, wherever they were used: in an argument, a
 * tag, the message of a failing step. The same rule applies to all output: values of sensitive variables are hidden in
 * every text, and so is a value next to a name that sounds like a secret.
 */
import { Buffer } from 'node:buffer';
import { escapePattern } from '../util/escape-pattern.ts';
import { escapeHtml } from '../util/go-json.ts';
import type { Json, Variable } from './build.ts';
import type { Problem } from './problem.ts';

/** What is shown in place of a sensitive value. */
export const HIDDEN = '(hidden)';

/** Parts of names of secrets, for patterns. */
const SECRET_WORDS = 'TOKEN|PASS|SECRET|KEY|CREDENTIAL|AUTH';
const SECRET_NAME = new RegExp(SECRET_WORDS, 'i');

/** Whether a name sounds like a secret although nobody marked it as one. */
export function soundsSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Names and values, with hidden values for names that sound like secrets. */
export function hideNamed(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (![...values.keys()].some(soundsSecret)) return values;
  return new Map([...values].map(([name, value]) => [name, hideByName(name, value)]));
}

/** A value as displayed next to its name. */
export function hideByName<T>(name: string, value: T): T | typeof HIDDEN {
  return soundsSecret(name) ? HIDDEN : value;
}

/** `NAME=value` with a name that sounds like a secret. Matches only at the start of a word: a line may be one long word. */
const NAMED_PAIR = new RegExp(
  String.raw`(?<![\w-])([\w-]*(?:${SECRET_WORDS})[\w-]*)=("[^"]*"|'[^']*'|\S+)`,
  'gi',
);

/** Whether a text assigns a value to a name that sounds like a secret. */
export function holdsNamedPair(text: string): boolean {
  return text.search(NAMED_PAIR) !== -1;
}

/** `scheme://user@` of any scheme; not the name before a digest, as in `docker-image://alpine@sha256:…`. */
const USER_OF_URL = /(?<![\w+.-])([\w+.-]+:\/\/)([^/\s]*)@(?!sha256:[0-9a-f]{32})/g;
/** `git` in `ssh://git@host`, which the address needs; tokens are longer. */
const LOGIN = /^[\w.-]{1,20}$/;

/** A text without users and passwords in URLs. The login name for ssh is kept. */
export function hideUsers(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(USER_OF_URL, (whole, scheme: string, user: string) =>
    scheme.endsWith('ssh://') && LOGIN.test(user) ? whole : scheme,
  );
}

/**
 * Applies {@link hideUsers} to all texts in a value. Returns the same object if there is nothing to hide, since most
 * events have no URL; the value itself is not changed.
 */
export function hideUsersIn<T>(value: T): T {
  if (typeof value === 'string') return hideUsers(value) as T;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(hideUsersIn);
    return items.every((item, at) => item === value[at]) ? value : (items as T);
  }
  const changed = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const hidden: unknown = hideUsersIn(item);
    return hidden === item ? [] : [[key, hidden]];
  });
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}

/** An instruction or a step without users in URLs and without values of names that sound like secrets. */
export function hideInStep(text: string): string {
  return hideUsers(text).replace(NAMED_PAIR, '$1=…');
}

/** A frontend option with a user-defined name and a value. */
const NAMED_OPTION = /^((?:build-arg|label):([^=]*)=)[\s\S]*$/;
/** `name=value` of `type=…,name=value`; a field that contains a comma is quoted. */
const FIELD = /(^|,)(?:"([^=,"]+)=(?:[^"]|"")*"|([^=,"]+)=[^,]*)/g;

/** One buildctl argument without values of names that sound like secrets and without users in URLs. */
export function hideInWord(word: string): string {
  const [, head = '', name = ''] = NAMED_OPTION.exec(word) ?? [];
  if (name !== '' && soundsSecret(name)) return `${head}${HIDDEN}`;
  const shown = word.startsWith('type=')
    ? word.replace(FIELD, (field, comma: string, quoted?: string, plain?: string) => {
        const key = quoted ?? plain ?? '';
        return soundsSecret(key) ? `${comma}${key}=${HIDDEN}` : field;
      })
    : word;
  return hideUsers(shown);
}

/** `NAME=value`, `build.args.NAME=value`, and both after `--option=`. */
const OPTION_VALUE = /^((?:--?[\w-]+=)?([^=]*)=)[\s\S]+$/;

/**
 * One argument of a bake-ts command line without sensitive values, without values of names that sound like secrets, and
 * without users in URLs. Values assigned to sensitive variables are hidden by name, since they may be short or spelled
 * differently from the value that is read.
 */
export function hideInOption(word: string, hider: Pick<Hider, 'hide' | 'isSensitive'>): string {
  const [, head = '', name = ''] = OPTION_VALUE.exec(word) ?? [];
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (name !== '' && (soundsSecret(name) || hider.isSensitive(name) || hider.isSensitive(last)))
    return `${head}${HIDDEN}`;
  return hider.hide(hideUsers(word)).split('\n').map(hideInLine).join('\n');
}

/** The tag of an image whose repository has a path: `shop/secret:1` assigns nothing. */
const TAG = String.raw`(?<=[\w}]\/[\w.-]{0,128}):[\w.\x24{}-]{1,128}(?:@sha256:[0-9a-f]{64})?(?:[\s,\]"'}]|$)`;
/** `NAME: value` and `NAME=value` with a name that sounds like a secret, to the end of the line. */
const NAMED_IN_LINE = new RegExp(String.raw`((?:${SECRET_WORDS})[\w.-]*["']?\s*(?!${TAG})[:=]\s*)\S.*$`, 'i');

/** A line of a file without the value of a name that sounds like a secret. */
export function hideInLine(line: string): string {
  return line.replace(NAMED_IN_LINE, `$1${HIDDEN}`);
}

/** Shorter values (`1`, `dev`) would match too much by chance. */
const SHORTEST = 4;

/**
 * The texts to search for if a variable has this value: the value, each of its lines (output comes line by line), and its
 * forms in JSON, in URLs and in base64. Texts shorter than four characters are left out.
 */
export function sensitiveForms(value: Json): readonly string[] {
  const forms = textsIn(value).flatMap((text) => {
    const json = JSON.stringify(text).slice(1, -1);
    const bytes = Buffer.from(text);
    const base64 = bytes.toString('base64').replace(/=+$/, '');
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
    return text.length < SHORTEST
      ? []
      : [
          ...[text, json, escapeHtml(json), encodeURIComponent(bytes.toString()), base64],
          ...(lines.length > 1 ? lines : []),
          // In a field of an output's or cache's attributes.
          ...[text, ...lines].map((one) => one.replaceAll('"', '""')),
        ];
  });
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST);
}

function textsIn(value: Json): readonly string[] {
  if (value === null || typeof value === 'boolean') return [];
  return typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [String(value)];
}

/**
 * Replaces a sensitive value in stored texts: a hash of it with a key of this machine (lib/state/seal.ts), which reveals
 * that the value changed, but not the value.
 */
const SEAL = /\(hidden:[0-9a-f]{32}\)/g;
const SEAL_HEAD = '(hidden:';

/** Whether a text contains sealed values. */
export function isSealed(text: string): boolean {
  return text.includes(SEAL_HEAD);
}

/** A text for display: without the hashes of its seals. */
export function showSealed(text: string): string {
  return isSealed(text) ? text.replace(SEAL, HIDDEN) : text;
}

/** Replaces sensitive parts of texts by seals. */
export interface Sealer {
  /** True if a text contains something to seal. */
  readonly concerns: (text: string) => boolean;
  /**
   * The text with each sensitive part replaced by a seal.
   *
   * @param hash returns 32 hexadecimal digits for a part, from which the part cannot be found without the key
   */
  readonly seal: (text: string, hash: (part: string) => string) => string;
}

/**
 * A sealer for the sensitive values of a set. It also seals texts that look like the start of a seal. Therefore two texts
 * with the same sealed form were equal before, whichever values were sensitive then and now.
 */
export function createSealer(variables: ReadonlyMap<string, Variable>): Sealer {
  const finder = finderOf([...formsOf(variables), SEAL_HEAD]);
  return {
    concerns: finder.holds,
    seal: (text, hash) => finder.replace(text, (part) => `${SEAL_HEAD}${hash(part)})`),
  };
}

const NOTHING: ReadonlySet<string> = new Set();
/** Finds and hides the sensitive values of a set. */
export interface Hider {
  /** True if a text contains one of them, or its seal. */
  readonly holds: (text: string) => boolean;
  /** A copy of a JSON document with each of them replaced in every text, except below the keys in `kept`. */
  readonly hide: <T>(document: T, kept?: ReadonlySet<string>) => T;
  /** Whether a variable has this name and is sensitive, whatever its value. */
  readonly isSensitive: (name: string) => boolean;
}

/**
 * A hider for the values of the `sensitive` variables of a set, including values inside lists and maps.
 *
 * @param others further texts to hide
 */
export function createHider(variables: ReadonlyMap<string, Variable>, others: readonly string[] = []): Hider {
  const forms = [...formsOf(variables), ...others.flatMap(sensitiveForms)];
  const isSensitive = (name: string): boolean => variables.get(name)?.sensitive === true;
  if (forms.length === 0) return { holds: isSealed, hide: (document) => document, isSensitive };
  const finder = finderOf(forms);
  const walk = (value: unknown, kept: ReadonlySet<string>): unknown => {
    if (typeof value === 'string') return finder.replace(showSealed(value), () => HIDDEN);
    if (Array.isArray(value)) return value.map((item) => walk(item, kept));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, kept.has(key) ? item : walk(item, kept)]),
    );
  };
  return {
    holds: (text) => isSealed(text) || finder.holds(text),
    hide: <T>(document: T, kept: ReadonlySet<string> = NOTHING) => walk(document, kept) as T,
    isSensitive,
  };
}

function formsOf(variables: ReadonlyMap<string, Variable>): readonly string[] {
  return [...variables.values()].flatMap((one) => (one.sensitive ? sensitiveForms(one.value) : []));
}

interface Finder {
  readonly holds: (text: string) => boolean;
  readonly replace: (text: string, by: (part: string) => string) => string;
}

/**
 * Longest pattern for all texts at once. Compiling one of many tokens with some thousand characters each takes a second.
 */
const SHORT_PATTERN = 32_768;

/** Finds any of the given texts. Overlapping matches are one part. */
function finderOf(wanted: readonly string[]): Finder {
  const words = [...new Set(wanted)];
  const any = words.map(escapePattern).join('|');
  const pattern = words.length > 1 && any.length <= SHORT_PATTERN ? new RegExp(any) : undefined;
  const holds = (text: string): boolean =>
    pattern === undefined ? words.some((word) => text.includes(word)) : pattern.test(text);
  return {
    holds,
    replace: (text, by) => {
      if (!holds(text)) return text;
      let [result, start, end] = ['', 0, 0];
      for (const [index, after] of findAll(text, words)) {
        if (index >= end) {
          if (end > start) result += by(text.slice(start, end));
          result += text.slice(end, index);
          [start, end] = [index, after];
        } else end = Math.max(end, after);
      }
      if (end > start) result += by(text.slice(start, end));
      return result + text.slice(end);
    },
  };
}

/** Start and end of each occurrence of the words, by start. */
function findAll(text: string, words: readonly string[]): readonly (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (const word of words) {
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1))
      found.push([at, at + word.length]);
  }
  return found.sort(([one], [other]) => one - other);
}

/**
 * A problem without sensitive values in its texts. Its place keeps the source text.
 *
 * @param kept keys below which nothing is hidden
 */
export function hideInProblem(
  { span, related, ...words }: Problem,
  hider: Pick<Hider, 'hide'>,
  kept?: ReadonlySet<string>,
): Problem {
  return {
    ...hider.hide(words, kept),
    ...(span === undefined ? {} : { span }),
    ...(related === undefined ? {} : { related }),
  };
}
