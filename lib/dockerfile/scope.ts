/** Variables: global arguments, and the environment of a stage after each instruction. */
import { parsePlatform } from '../model/mod.ts';
import type { Dockerfile, Instruction } from './instruction.ts';
import { type Expanded, expand, splitQuotedWords, UNKNOWN } from './words.ts';

/** A value, or the marker of an unknown one. */
export type Value = string | typeof UNKNOWN;

/** The default PATH of Linux images (buildkit util/system/path.go). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The pairs of `ARG NAME[=default]`, with quotes. */
export function argPairs(
  instruction: Instruction,
  escapeChar: string,
): readonly { readonly name: string; readonly fallback: string | undefined }[] {
  return splitQuotedWords(instruction.rest, escapeChar).map((word) => {
    const equals = word.indexOf('=');
    return equals === -1
      ? { name: word, fallback: undefined }
      : { name: word.slice(0, equals), fallback: word.slice(equals + 1) };
  });
}

/** The pairs of ENV, in the form `NAME=value …` or the old `NAME value`, with quotes. */
export function envPairs(
  instruction: Instruction,
  escapeChar: string,
): readonly { readonly name: string; readonly value: string }[] {
  const words = splitQuotedWords(instruction.rest, escapeChar);
  if (words[0] !== undefined && !words[0].includes('=')) {
    const blank = /[\t\v\f\r ]+/.exec(instruction.rest);
    if (blank === null) return [];
    return [
      {
        name: instruction.rest.slice(0, blank.index),
        value: instruction.rest.slice(blank.index + blank[0].length),
      },
    ];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    return { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

/** Arguments that BuildKit sets or uses even if the file does not name them. */
const HEEDED = /^(?:BUILD|TARGET|SOURCE_DATE_EPOCH$)/;

/**
 * Tells which arguments can affect what a Dockerfile reads: those after a `$` where BuildKit expands variables (the shell
 * expands those in RUN commands), and those that BuildKit itself uses. For all others it only matters whether they are
 * set.
 */
export function argumentFilter({ globalArgs, stages }: Dockerfile): (name: string) => boolean {
  const expanded = new Set<string>();
  const collect = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/\$\{?(\w+)/g)) expanded.add(name);
  };
  const visit = ({ keyword, text, flags, heredocs, trigger }: Instruction): void => {
    if (trigger !== undefined) visit(trigger);
    else if (keyword === 'RUN') for (const flag of flags) collect(flag.text);
    else for (const one of [text, ...heredocs.map(({ content }) => content)]) collect(one);
  };
  for (const instruction of globalArgs) visit(instruction);
  for (const { from, instructions } of stages) for (const one of [from, ...instructions]) visit(one);
  return (name) => expanded.has(name) || HEEDED.test(name);
}

/** Predefined arguments and those before the first FROM, which FROM lines can use. */
export interface GlobalScope {
  readonly values: ReadonlyMap<string, Value>;
  /** Global argument → names to which its default refers. */
  readonly refersTo: ReadonlyMap<string, ReadonlySet<string>>;
  expand(text: string): Expanded;
}

/** Arguments that BuildKit sets from the engine's platform. */
export const ENGINE_ARGS: readonly string[] = [
  'BUILDPLATFORM',
  'BUILDOS',
  'BUILDOSVERSION',
  'BUILDARCH',
  'BUILDVARIANT',
];

/** Builds the global scope for one platform; undefined: the platform is not known. */
export function globalScope(
  globalArgs: readonly Instruction[],
  escapeChar: string,
  args: ReadonlyMap<string, string>,
  platforms: {
    readonly engine: string | undefined;
    readonly target: string | undefined;
    readonly stage: string;
  },
): GlobalScope {
  const values = new Map<string, Value>();
  const set = (prefix: 'BUILD' | 'TARGET', platform: string | undefined): void => {
    const parsed = platform === undefined ? undefined : parsePlatform(platform);
    const parts: Readonly<Record<string, Value>> =
      platform === undefined || parsed === undefined
        ? { PLATFORM: UNKNOWN, OS: UNKNOWN, OSVERSION: UNKNOWN, ARCH: UNKNOWN, VARIANT: UNKNOWN }
        : {
            PLATFORM: platform,
            OS: parsed.os,
            OSVERSION: '',
            ARCH: parsed.arch,
            VARIANT: parsed.variant ?? '',
          };
    for (const [part, value] of Object.entries(parts)) values.set(prefix + part, value);
  };
  set('BUILD', platforms.engine);
  set('TARGET', platforms.target);
  values.set('TARGETSTAGE', platforms.stage === '' ? 'default' : platforms.stage);
  for (const [name, value] of args) if (values.has(name)) values.set(name, value);

  const refersTo = new Map<string, ReadonlySet<string>>();
  const expandHere = (text: string): Expanded =>
    expand(text, { escape: escapeChar, lookup: (name) => values.get(name) });
  for (const instruction of globalArgs) {
    for (const { name, fallback } of argPairs(instruction, escapeChar)) {
      const given = args.get(name);
      if (given !== undefined) values.set(name, given);
      refersTo.set(name, refersTo.get(name) ?? new Set());
      if (fallback === undefined) continue;
      const result = expandHere(fallback);
      refersTo.set(name, new Set([...(refersTo.get(name) ?? []), ...result.names]));
      if (given === undefined) values.set(name, result.kind === 'value' ? result.text : UNKNOWN);
    }
  }
  return { values, refersTo, expand: expandHere };
}

/** The environment of a stage. */
export class StageScope {
  /** Names that are not set here may be set by a base image whose config was not read. */
  readonly open: boolean;
  readonly #values: Map<string, Value>;
  readonly #image: Map<string, Value>;
  readonly #escape: string;

  private constructor(
    open: boolean,
    values: ReadonlyMap<string, Value>,
    image: ReadonlyMap<string, Value>,
    escapeChar: string,
  ) {
    this.open = open;
    this.#values = new Map(values);
    this.#image = new Map(image);
    this.#escape = escapeChar;
  }

  /** A stage based on an image (or on `scratch`, without variables); undefined: the image's config is not known. */
  static basedOn(env: readonly string[] | undefined, escapeChar: string): StageScope {
    const image = new Map<string, Value>();
    for (const pair of env ?? []) {
      const equals = pair.indexOf('=');
      image.set(equals === -1 ? pair : pair.slice(0, equals), equals === -1 ? '' : pair.slice(equals + 1));
    }
    if (env !== undefined && !image.has('PATH')) image.set('PATH', DEFAULT_PATH);
    return new StageScope(env === undefined, image, image, escapeChar);
  }

  /** A stage based on another one: it inherits its arguments and ENV; ENV takes precedence. */
  child(): StageScope {
    return new StageScope(
      this.open,
      new Map([...this.#values, ...this.#image]),
      new Map(this.#image),
      this.#escape,
    );
  }

  expand(text: string): Expanded {
    return expand(text, {
      escape: this.#escape,
      lookup: (name) => this.#values.get(name) ?? (this.open ? UNKNOWN : undefined),
    });
  }

  setArg(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** All pairs of one ENV see the environment as it was before the instruction. */
  setEnv(pairs: readonly { readonly name: string; readonly value: string }[]): void {
    const expanded = pairs.map(({ name, value }) => ({
      name: this.expand(name),
      value: this.expand(value),
    }));
    for (const { name, value } of expanded) {
      if (name.kind !== 'value') continue;
      const known = value.kind === 'value' ? value.text : UNKNOWN;
      this.#values.set(name.text, known);
      this.#image.set(name.text, known);
    }
  }

  /** The environment in the image of this stage; undefined if a part of it is not known. */
  imageEnv(): readonly string[] | undefined {
    if (this.open) return undefined;
    const env: string[] = [];
    for (const [name, value] of this.#image) {
      if (value === UNKNOWN) return undefined;
      env.push(`${name}=${value}`);
    }
    return env;
  }
}
