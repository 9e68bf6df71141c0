/**
 * Reads what `buildctl --progress=rawjson` writes to stderr: one SolveStatus per line (buildkit client/graph.go), followed by
 * plain text that explains a failure. Turns it into events and keeps what the final report needs.
 */
import { StringDecoder } from 'node:string_decoder';
import { type EventBody, type PlaceJson, problem, problemToJson, type SourceFile } from '../model/mod.ts';
import { spanOfExcerpt } from './excerpt.ts';
import { isStep } from './step.ts';

/** The summary at the end of the stream. */
export interface ProgressSummary {
  /** The last 200 lines that were not JSON, in order. */
  readonly text: readonly string[];
  /** The first step that failed by itself, not because another one did. */
  readonly failedStep?: { readonly name: string; readonly error: string; readonly digest: string };
  /** Steps of the Dockerfile without FROM, and how many were cached. */
  readonly steps: { readonly total: number; readonly cached: number };
  /** The last output lines of the failed step. */
  readonly failedLog: readonly string[];
}

interface WireVertex {
  readonly digest: string;
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

interface WireStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name?: string;
  readonly total?: number;
  readonly current?: number;
  readonly completed?: string;
}

interface WireLog {
  readonly vertex: string;
  readonly stream: number;
  readonly data: string;
}

interface WireWarning {
  readonly short: string;
  readonly detail?: readonly string[];
  readonly url?: string;
  readonly sourceInfo?: { readonly filename?: string };
  readonly range?: readonly {
    readonly start?: { readonly line?: number };
    readonly end?: { readonly line?: number };
  }[];
}

interface SolveStatus {
  readonly vertexes?: readonly WireVertex[];
  readonly statuses?: readonly WireStatus[];
  readonly logs?: readonly WireLog[];
  readonly warnings?: readonly WireWarning[];
}

type VertexState = Extract<EventBody, { type: 'vertex' }>['state'];

const KEPT_TEXT_LINES = 200;
const KEPT_LOG_LINES = 40;
/** How many characters of a line are kept: a step may print endless lines. */
const LONGEST = 16_384;

/** One reader for one call of buildctl. */
export class ProgressReader {
  readonly #build: string;
  readonly #emit: (event: EventBody) => void;
  readonly #dockerfile: SourceFile | undefined;
  readonly #vertices = new Map<string, { name: string; state: VertexState; cached: boolean }>();
  readonly #logs = new Map<string, { decoders: Map<number, StringDecoder>; tail: string[]; open: string }>();
  readonly #text: string[] = [];
  readonly #onExport: (() => void) | undefined;
  #failed: ProgressSummary['failedStep'];
  #onPush: (() => void) | undefined;

  /**
   * @param dockerfile our copy of the Dockerfile; the engine uses another name, which would make places useless
   * @param moments `onExport` is called whenever an exporter starts, `onPush` once when a push starts
   */
  constructor(
    build: string,
    emit: (event: EventBody) => void,
    dockerfile?: SourceFile,
    moments: { readonly onExport?: () => void; readonly onPush?: () => void } = {},
  ) {
    this.#build = build;
    this.#emit = emit;
    this.#dockerfile = dockerfile;
    this.#onExport = moments.onExport;
    this.#onPush = moments.onPush;
  }

  /** Processes one line without its line break. */
  line(line: string): void {
    if (line.startsWith('{')) {
      const status = parseStatus(line);
      if (status !== undefined && this.#read(status)) return;
    }
    this.#text.push(line.slice(0, LONGEST));
    if (this.#text.length > KEPT_TEXT_LINES) this.#text.shift();
  }

  /** The summary of what was read so far. */
  summary(): ProgressSummary {
    // Concurrent builds share steps, and BuildKit then reports one step with two digests. Its name, with stage and number, is the
    // same.
    const steps = new Map<string, boolean>();
    for (const { name, cached } of this.#vertices.values())
      if (isStep(name)) steps.set(name, cached || steps.get(name) === true);
    const total = steps.size;
    const cached = [...steps.values()].filter((one) => one).length;
    const log = this.#failed === undefined ? undefined : this.#logs.get(this.#failed.digest);
    return {
      text: this.#text,
      steps: { total, cached },
      failedLog: log === undefined ? [] : [...log.tail, ...(log.open === '' ? [] : [log.open])],
      ...(this.#failed === undefined ? {} : { failedStep: this.#failed }),
    };
  }

  /** Processes a message; false if its form is not known. */
  #read(status: SolveStatus): boolean {
    try {
      this.#status(status);
      return true;
    } catch {
      return false;
    }
  }

  #status(status: SolveStatus): void {
    for (const vertex of status.vertexes ?? []) this.#vertex(vertex);
    for (const transfer of status.statuses ?? []) this.#transfer(transfer);
    for (const log of status.logs ?? []) this.#log(log);
    for (const warning of status.warnings ?? []) this.#warning(warning);
  }

  #vertex(vertex: WireVertex): void {
    const known = this.#vertices.get(vertex.digest);
    const state = stateOf(vertex);
    const cached = vertex.cached === true || known?.cached === true;
    this.#vertices.set(vertex.digest, { name: vertex.name, state, cached });
    // Steps that are cancelled because another one failed say so; the first other error is the cause.
    if (
      vertex.error !== undefined &&
      this.#failed === undefined &&
      !vertex.error.includes('context canceled')
    ) {
      this.#failed = { name: vertex.name, error: vertex.error, digest: vertex.digest };
    }
    if (known?.state === state && known.cached === cached && state !== 'failed') return;
    if (state === 'running' && vertex.name.startsWith('exporting ')) this.#onExport?.();
    const durationMs =
      vertex.started !== undefined && vertex.completed !== undefined
        ? Math.max(0, Date.parse(vertex.completed) - Date.parse(vertex.started))
        : undefined;
    this.#emit({
      type: 'vertex',
      build: this.#build,
      digest: vertex.digest,
      name: vertex.name,
      state,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(vertex.error === undefined ? {} : { error: vertex.error }),
    });
  }

  #transfer(status: WireStatus): void {
    const isPush = status.id.startsWith('pushing ');
    if (isPush) {
      this.#onPush?.();
      this.#onPush = undefined;
    }
    const isExport = isPush || status.id.startsWith('exporting ');
    if (!isExport && status.total === undefined && !status.id.startsWith('transferring ')) return;
    this.#emit({
      type: 'transfer',
      build: this.#build,
      vertex: status.vertex,
      id: status.id,
      current: status.current ?? 0,
      ...(status.total === undefined ? {} : { total: status.total }),
      done: status.completed !== undefined,
    });
  }

  #log(log: WireLog): void {
    let known = this.#logs.get(log.vertex);
    if (known === undefined) {
      known = { decoders: new Map(), tail: [], open: '' };
      this.#logs.set(log.vertex, known);
    }
    let decoder = known.decoders.get(log.stream);
    if (decoder === undefined) {
      decoder = new StringDecoder('utf8');
      known.decoders.set(log.stream, decoder);
    }
    // A character may be split between two messages.
    const text = decoder.write(Buffer.from(log.data, 'base64'));
    if (text === '') return;
    const lines = `${known.open}${text}`.split('\n');
    known.open = (lines.pop() ?? '').slice(-LONGEST);
    known.tail.push(...lines.slice(-KEPT_LOG_LINES).map((one) => one.slice(-LONGEST)));
    if (known.tail.length > KEPT_LOG_LINES) known.tail.splice(0, known.tail.length - KEPT_LOG_LINES);
    this.#emit({
      type: 'log',
      build: this.#build,
      vertex: log.vertex,
      stream: log.stream === 2 ? 'stderr' : 'stdout',
      text,
    });
  }

  #warning(warning: WireWarning): void {
    const detail = (warning.detail ?? []).map(decode).join('\n');
    this.#emit({
      type: 'warning',
      build: this.#build,
      problem: {
        severity: 'warning',
        code: 'build/dockerfile-check',
        message: decode(warning.short),
        build: this.#build,
        ...(detail === '' ? {} : { detail }),
        ...(warning.url === undefined ? {} : { hint: `See ${warning.url}` }),
        ...placeOfWarning(warning, this.#dockerfile),
      },
    });
  }
}

function parseStatus(line: string): SolveStatus | undefined {
  try {
    return JSON.parse(line) as SolveStatus;
  } catch {
    return undefined;
  }
}

function stateOf(vertex: WireVertex): VertexState {
  if (vertex.error !== undefined) return 'failed';
  if (vertex.cached === true) return 'cached';
  if (vertex.completed !== undefined) return 'done';
  return vertex.started === undefined ? 'pending' : 'running';
}

function placeOfWarning(
  warning: WireWarning,
  dockerfile: SourceFile | undefined,
): { readonly place?: PlaceJson } {
  const file = warning.sourceInfo?.filename;
  const line = warning.range?.[0]?.start?.line;
  if (file === undefined || line === undefined) return {};
  const endLine = warning.range?.[0]?.end?.line ?? line;
  const span =
    dockerfile === undefined
      ? undefined
      : spanOfExcerpt(dockerfile, { file, firstLine: line, lastLine: endLine });
  const { place } = span === undefined ? {} : problemToJson(problem('build/dockerfile-check', '', { span }));
  if (place !== undefined) return { place };
  return { place: { file, line, column: 1, endLine, endColumn: 1 } };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
