/**
 * Walks the stages that a target needs, for one platform, and records what every instruction reads. Follows BuildKit's
 * frontend/dockerfile/dockerfile2llb/convert.go; if a value is not known, the larger set is recorded.
 */
import type { Span, UnknownInput, UnknownKind } from '../model/mod.ts';
import {
  type BaseConfig,
  type BaseUse,
  type ContextReads,
  type ContextUse,
  type Handed,
  type ImageUse,
  type InspectOptions,
  MAIN_CONTEXT,
  type PathRead,
  type RemoteSource,
  type TargetBase,
} from './facts.ts';
import { type Dockerfile, flagValue, flagValues, type Instruction } from './instruction.ts';
import { parseTrigger } from './parse.ts';
import { argPairs, ENGINE_ARGS, envPairs, type GlobalScope, StageScope } from './scope.ts';
import { isFullChecksum, parseMountFields, parseRemote, pathRead, secretIdOf } from './sources.ts';
import { externalOrigin, type Origin, type ResolvedStage } from './stages.ts';
import { type Expanded, parseHeredocWord, UNKNOWN } from './words.ts';

/** Fields that can set the id of a mount; the first one that is present takes precedence. */
const ID_FIELDS = ['id', 'source', 'src', 'target', 'dst', 'destination'];

const KNOWN_FLAGS: Readonly<Record<string, readonly string[]>> = {
  ADD: ['chown', 'chmod', 'link', 'keep-git-dir', 'checksum', 'unpack', 'exclude'],
  COPY: ['chown', 'chmod', 'link', 'from', 'exclude', 'parents'],
  RUN: ['mount', 'network', 'security', 'device'],
};

/** What one or several walks found. The keys of the maps merge equal findings of several platforms. */
export interface Findings {
  readonly reachable: Set<number>;
  readonly images: Map<string, ImageUse>;
  readonly contexts: Map<string, ContextUse>;
  readonly bases: Map<string, BaseUse>;
  readonly unreadBases: Set<string>;
  readonly reads: Map<string, ContextReads>;
  readonly declaredArgs: Set<string>;
  readonly engineArgs: Set<string>;
  readonly remoteSources: Map<string, RemoteSource>;
  readonly secrets: Map<string, Handed>;
  readonly ssh: Map<string, Handed>;
  readonly ports: Set<string>;
  readonly unknowns: UnknownInput[];
  /** Triggers of the target. */
  onbuild: readonly string[];
  /** What the target passes on to builds based on it; undefined if platforms differ. */
  produces: BaseConfig | undefined;
  /** Where the target's config comes from; undefined if platforms differ. */
  targetBase: TargetBase | undefined;
}

/** An empty record to walk into. */
export function noFindings(): Findings {
  return {
    reachable: new Set(),
    images: new Map(),
    contexts: new Map(),
    bases: new Map(),
    unreadBases: new Set(),
    reads: new Map(),
    declaredArgs: new Set(),
    engineArgs: new Set(),
    remoteSources: new Map(),
    secrets: new Map(),
    ssh: new Map(),
    ports: new Set(),
    unknowns: [],
    onbuild: [],
    produces: undefined,
    targetBase: undefined,
  };
}

/** Input of a walk. */
export interface WalkInput {
  readonly file: Dockerfile;
  readonly options: InspectOptions;
  readonly global: GlobalScope;
  readonly stages: readonly ResolvedStage[];
  /** Undefined: not known. */
  readonly targetPlatform: string | undefined;
  /** Receives the findings. */
  readonly found: Findings;
}

/** The walk over one target's stages. */
export class Walk {
  readonly #file: Dockerfile;
  readonly #options: InspectOptions;
  readonly #global: GlobalScope;
  readonly #stages: readonly ResolvedStage[];
  readonly #targetPlatform: string | undefined;
  readonly #found: Findings;
  readonly #finished = new Map<number, { readonly scope: StageScope; readonly onbuild: readonly string[] }>();
  readonly #walking = new Set<number>();

  constructor(input: WalkInput) {
    this.#file = input.file;
    this.#options = input.options;
    this.#global = input.global;
    this.#stages = input.stages;
    this.#targetPlatform = input.targetPlatform;
    this.#found = input.found;
  }

  /** Walks the target and its dependencies. Returns what the target passes on. */
  run(target: number): BaseConfig | undefined {
    // Used even if no stage names it (dockerfile2llb/epoch.go).
    this.#useGlobal('SOURCE_DATE_EPOCH');
    this.#visit(target);
    const done = this.#finished.get(target);
    const stage = this.#stages[target];
    if (stage?.origin.kind === 'context') this.#read(stage.origin.name, 'all');
    this.#found.onbuild = done?.onbuild ?? [];
    const env = done?.scope.imageEnv();
    return done === undefined || env === undefined ? undefined : { env, onbuild: done.onbuild };
  }

  /** The base of a target's chain of stages; undefined: not known, or of another platform than the target. */
  baseOf(target: number): TargetBase | undefined {
    const seen = new Set<number>();
    for (let index = target; !seen.has(index); ) {
      seen.add(index);
      const stage = this.#stages[index];
      if (stage === undefined) return undefined;
      const hasOtherPlatform =
        stage.source.platform !== undefined &&
        (stage.platform === undefined || stage.platform !== this.#targetPlatform);
      // A context that replaces a stage is used unchanged, so it is inherited in another way.
      if (hasOtherPlatform || this.#isReplaced(stage)) return undefined;
      const { origin } = stage;
      if (origin.kind === 'unknown') return undefined;
      if (origin.kind === 'scratch') return { kind: 'scratch', name: 'scratch' };
      if (origin.kind === 'image') return { kind: 'image', name: origin.written };
      if (origin.kind === 'context') return { kind: 'context', name: origin.name };
      index = origin.index;
    }
    return undefined;
  }

  #visit(index: number): void {
    const stage = this.#stages[index];
    // BuildKit reports cycles of stages; here they must only not cause an endless loop.
    if (stage === undefined || this.#finished.has(index) || this.#walking.has(index)) return;
    this.#walking.add(index);
    this.#found.reachable.add(index);
    for (const name of stage.names) this.#useGlobal(name);
    const { scope, triggers } = this.#start(stage);
    const instructions =
      stage.origin.kind === 'context' && this.#isReplaced(stage) ? [] : stage.source.instructions;
    for (const trigger of triggers) this.#instruction(trigger, scope, stage, stage.source.from.span);
    const onbuild: string[] = [];
    for (const instruction of instructions) {
      if (instruction.keyword === 'ONBUILD') onbuild.push(triggerText(instruction));
      else this.#instruction(instruction, scope, stage, undefined);
    }
    this.#walking.delete(index);
    this.#finished.set(index, { scope, onbuild });
  }

  #isReplaced(stage: ResolvedStage): boolean {
    return (
      stage.origin.kind === 'context' &&
      stage.source.name !== undefined &&
      stage.origin.written === stage.source.name
    );
  }

  /** What a stage inherits: environment and triggers. */
  #start(stage: ResolvedStage): { readonly scope: StageScope; readonly triggers: readonly Instruction[] } {
    const escapeChar = this.#file.escape;
    const span = stage.source.base.span;
    const { origin } = stage;
    switch (origin.kind) {
      case 'scratch':
        return { scope: StageScope.basedOn([], escapeChar), triggers: [] };
      case 'stage': {
        this.#visit(origin.index);
        const base = this.#finished.get(origin.index);
        return {
          scope: base?.scope.child() ?? StageScope.basedOn(undefined, escapeChar),
          triggers: this.#triggers(base?.onbuild ?? [], `stage ${origin.index}`, escapeChar),
        };
      }
      case 'unknown':
        this.#unknown(origin.because, `FROM ${stage.source.base.text}: ${origin.why}`);
        return { scope: StageScope.basedOn(undefined, escapeChar), triggers: [] };
      default: {
        const platform = stage.platform === undefined ? {} : { platform: stage.platform };
        if (origin.kind === 'image') this.#image(origin.written, 'from', span, stage.platform);
        else {
          this.#context(origin, 'from', this.#isReplaced(stage) ? stage.source.from.span : span);
          this.#read(origin.name, 'all');
        }
        const name = origin.kind === 'image' ? origin.written : origin.name;
        this.#found.bases.set(`${name} ${span.start} ${stage.platform ?? ''}`, {
          name,
          kind: origin.kind,
          span,
          ...platform,
        });
        // BuildKit uses a context that replaces a stage unchanged and does not run its triggers.
        const config = this.#options.bases?.get(name);
        if (config !== undefined) {
          const replaced = this.#isReplaced(stage);
          return {
            scope: StageScope.basedOn(config.env, escapeChar),
            triggers: replaced ? [] : this.#triggers(config.onbuild, name, '\\'),
          };
        }
        this.#found.unreadBases.add(name);
        if (this.#options.unknownBases !== 'plain') this.#read(MAIN_CONTEXT, 'all');
        return { scope: StageScope.basedOn(undefined, escapeChar), triggers: [] };
      }
    }
  }

  #triggers(texts: readonly string[], owner: string, escapeChar: '\\' | '`'): readonly Instruction[] {
    const triggers: Instruction[] = [];
    for (const text of texts) {
      const trigger = parseTrigger(text, escapeChar);
      if (trigger !== undefined) triggers.push(trigger);
      else this.#unknown('trigger', `an ONBUILD trigger of ${owner} cannot be read`);
    }
    return triggers;
  }

  /** `triggerSpan` replaces the instruction's own places, since the text of a trigger is not in the file. */
  #instruction(
    instruction: Instruction,
    scope: StageScope,
    stage: ResolvedStage,
    triggerSpan: Span | undefined,
  ): void {
    const at = (span: Span): Span => triggerSpan ?? span;
    for (const flag of instruction.flags) {
      const known = KNOWN_FLAGS[instruction.keyword];
      const name = flag.text.slice(2).split('=', 1)[0] ?? '';
      if (known !== undefined && !known.includes(name)) {
        this.#unknown('flag', `${instruction.keyword} has the unknown flag --${name}`);
      }
    }
    switch (instruction.keyword) {
      case 'ARG':
        for (const { name, fallback } of argPairs(instruction, this.#file.escape)) {
          this.#declare(name, fallback, scope);
        }
        return;
      case 'ENV':
        scope.setEnv(envPairs(instruction, this.#file.escape));
        return;
      case 'EXPOSE':
        for (const argument of instruction.args) {
          const port = scope.expand(argument.text);
          if (port.kind === 'value') for (const word of port.words) this.#found.ports.add(word);
        }
        return;
      case 'COPY':
      case 'ADD':
        this.#copy(instruction, scope, stage, at);
        return;
      case 'RUN':
        for (const mount of flagValues(instruction, 'mount')) this.#mount(mount.text, scope, at(mount.span));
        return;
      default:
    }
  }

  #declare(name: string, fallback: string | undefined, scope: StageScope): void {
    this.#found.declaredArgs.add(name);
    const given = this.#options.args.get(name);
    if (given !== undefined) {
      scope.setArg(name, given);
      return;
    }
    if (fallback !== undefined) {
      const value = scope.expand(fallback);
      scope.setArg(name, value.kind === 'value' ? value.text : UNKNOWN);
      return;
    }
    this.#useGlobal(name);
    const value = this.#global.values.get(name);
    if (value !== undefined) scope.setArg(name, value);
  }

  /** A global argument that is used also makes those used to which its default refers. */
  #useGlobal(name: string): void {
    if (ENGINE_ARGS.includes(name)) this.#found.engineArgs.add(name);
    const known = this.#found.declaredArgs.has(name);
    if (this.#global.values.has(name) || this.#global.refersTo.has(name)) this.#found.declaredArgs.add(name);
    if (known && !this.#global.refersTo.has(name)) return;
    for (const other of this.#global.refersTo.get(name) ?? []) if (other !== name) this.#useGlobal(other);
  }

  #copy(instruction: Instruction, scope: StageScope, stage: ResolvedStage, at: (span: Span) => Span): void {
    const from = instruction.keyword === 'COPY' ? flagValue(instruction, 'from') : undefined;
    const origin = from === undefined ? undefined : this.#copyOrigin(from.text, stage);
    if (origin !== undefined && from !== undefined) this.#follow(origin, 'copy', at(from.span));
    if (origin !== undefined && origin.kind !== 'context') return;
    const context = origin === undefined ? MAIN_CONTEXT : origin.name;
    const parents = flagValue(instruction, 'parents')?.text.toLowerCase() === 'true';
    const exclude = flagValues(instruction, 'exclude').map((flag) => flag.text);
    for (const argument of instruction.args.slice(0, -1)) {
      if (parseHeredocWord(argument.text) !== undefined) continue;
      const source = scope.expand(argument.text);
      if (source.kind !== 'value') {
        if (instruction.keyword === 'ADD') this.#addUnknown(instruction, source);
        this.#read(context, 'all');
        continue;
      }
      const remote = instruction.keyword === 'ADD' ? parseRemote(source.text) : undefined;
      if (remote !== undefined) {
        const span = at(argument.span);
        const checksum = scope.expand(flagValue(instruction, 'checksum')?.text ?? '');
        const pinned = remote.pinned || (checksum.kind === 'value' && isFullChecksum(checksum.text));
        this.#found.remoteSources.set(`${remote.url} ${span.start}`, { ...remote, pinned, span });
      } else this.#read(context, [pathRead(source.text, parents, exclude, at(argument.span))]);
    }
  }

  #unknown(kind: UnknownKind, text: string): void {
    this.#found.unknowns.push({ kind, text });
  }

  /** An ADD whose source is not known may download anything. */
  #addUnknown(instruction: Instruction, source: Expanded): void {
    const why =
      source.kind === 'unknown' ? `it depends on ${source.unknown.join(', ')}` : 'it cannot be expanded';
    this.#unknown('value', `${instruction.text}: ${why}`);
  }

  #copyOrigin(from: string, stage: ResolvedStage): Origin {
    if (/^[+-]?\d+$/.test(from)) {
      const index = Number(from);
      return index < this.#stages.length
        ? { kind: 'stage', index }
        : { kind: 'unknown', because: 'stage', why: `there is no stage ${from}` };
    }
    return this.#namedOrigin(from, stage.platform ?? this.#targetPlatform);
  }

  #namedOrigin(name: string, platform: string | undefined): Origin {
    const lower = name.toLowerCase();
    const stage = this.#stages.findLast((one) => one.source.name === lower);
    if (stage !== undefined) {
      return stage.origin.kind === 'context' && this.#isReplaced(stage)
        ? stage.origin
        : { kind: 'stage', index: stage.source.index };
    }
    if (lower === 'scratch') return { kind: 'scratch' };
    return externalOrigin(name, this.#options, platform);
  }

  #follow(origin: Origin, use: 'copy' | 'mount', span: Span): void {
    if (origin.kind === 'stage') this.#visit(origin.index);
    else if (origin.kind === 'image') this.#image(origin.written, use, span, undefined);
    else if (origin.kind === 'context') this.#context(origin, use, span);
    else if (origin.kind === 'unknown')
      this.#unknown(origin.because, `${use} from another image: ${origin.why}`);
  }

  #mount(text: string, scope: StageScope, span: Span): void {
    const fields = new Map<string, Expanded>();
    let from = '';
    for (const { name, value } of parseMountFields(text)) {
      fields.set(name, scope.expand(value));
      // BuildKit reads `from` before it expands variables, to find the stages.
      if (name === 'from') from = value;
    }
    const textOf = (...names: readonly string[]): string | undefined => {
      for (const name of names) {
        const field = fields.get(name);
        if (field?.kind === 'value') return field.text;
      }
      return undefined;
    };
    const type = fields.has('type') ? textOf('type')?.toLowerCase() : 'bind';
    if (type === 'secret' || type === 'ssh') {
      const id =
        type === 'ssh' ? (textOf('id', 'source', 'src') ?? 'default') : secretIdOf((name) => textOf(name));
      // A value that is not known here is never used as an id.
      const given = ID_FIELDS.flatMap((name) => fields.get(name) ?? [])[0];
      if (given !== undefined && given.kind !== 'value') return;
      const requiredText = fields.has('required') ? textOf('required') : 'false';
      const required = requiredText === '' || /^(?:1|t|true)$/i.test(requiredText ?? 'true');
      const into = type === 'secret' ? this.#found.secrets : this.#found.ssh;
      into.set(id, { id, required: required || into.get(id)?.required === true, span });
      return;
    }
    if (type === 'tmpfs') return;
    const origin = from === '' ? undefined : this.#namedOrigin(from, this.#targetPlatform);
    if (origin !== undefined) this.#follow(origin, 'mount', span);
    if (type === 'cache' && origin === undefined) return;
    if (origin !== undefined && origin.kind !== 'context') return;
    const context = origin === undefined ? MAIN_CONTEXT : origin.name;
    const isSourceGiven = fields.has('source') || fields.has('src');
    const source = isSourceGiven ? textOf('source', 'src') : '';
    this.#read(context, source === undefined ? 'all' : [pathRead(source, false, [], span)]);
  }

  #image(written: string, use: ImageUse['use'], span: Span, platform: string | undefined): void {
    this.#found.images.set(`${written} ${use} ${platform ?? ''} ${span.start}`, {
      written,
      use,
      span,
      ...(platform === undefined ? {} : { platform }),
    });
  }

  #context(
    origin: { readonly name: string; readonly written: string },
    use: ContextUse['use'],
    span: Span,
  ): void {
    this.#found.contexts.set(`${origin.name} ${use} ${span.start}`, { ...origin, use, span });
  }

  #read(context: string, reads: ContextReads): void {
    const before = this.#found.reads.get(context);
    if (before === 'all') return;
    if (reads === 'all') this.#found.reads.set(context, 'all');
    else {
      const known = new Set((before ?? []).map(readKey));
      this.#found.reads.set(context, [
        ...(before ?? []),
        ...reads.filter((read) => !known.has(readKey(read))),
      ]);
    }
  }
}

function readKey(read: PathRead): string {
  return JSON.stringify([read.source, read.include, read.exclude]);
}

/** A trigger in the form of image configs. */
function triggerText(instruction: Instruction): string {
  const body = instruction.text.replace(/^\s*ONBUILD\s*/i, '');
  return instruction.heredocs.reduce((text, doc) => `${text}\n${doc.content}${doc.name}`, body);
}
