/**
 * Validates the fields of events that are read back: a file of events may be damaged, from a later version, or written
 * by anybody. A test compares this with schemas/events.schema.json.
 */
import {
  type AuditResult,
  type AuditSummary,
  type BakeEvent,
  type ChangedFiles,
  type EventBody,
  isDigest,
  type Outcome,
  type PlaceJson,
  type PlannedNode,
  type PlatformLayers,
  type ProblemJson,
  type Reason,
  type RunSummary,
  type TagResult,
} from '../model/mod.ts';

/** The type of a value. Numbers are not negative; a list of words has all allowed values. */
export type Kind =
  | 'text'
  | 'digest'
  | 'flag'
  | 'number'
  | 'whole number'
  | readonly string[]
  | { readonly listOf: Kind }
  | { readonly fields: Fields };

/** By name. */
export type Fields = Readonly<Record<string, Kind | Optional>>;

/** A field that may be absent. */
export interface Optional {
  readonly optional: Kind;
}

/** Causes a type error if a table lacks a field of the model, or requires an optional one. */
type FieldsOf<T> = {
  readonly [K in Exclude<keyof T, 'type'>]-?: Partial<Pick<T, K>> extends Pick<T, K> ? Optional : Kind;
};

const TEXTS: Kind = { listOf: 'text' };
const CHANGED: Kind = {
  fields: { files: TEXTS, total: 'whole number' } satisfies FieldsOf<ChangedFiles>,
};
const PLACE: Kind = {
  fields: {
    file: 'text',
    line: 'whole number',
    column: 'whole number',
    endLine: 'whole number',
    endColumn: 'whole number',
  } satisfies FieldsOf<PlaceJson>,
};
const PROBLEM: Kind = {
  fields: {
    severity: ['error', 'warning'],
    code: 'text',
    message: 'text',
    hint: { optional: 'text' },
    build: { optional: 'text' },
    detail: { optional: 'text' },
    temporary: { optional: 'flag' },
    place: { optional: PLACE },
    related: { optional: { listOf: { fields: { message: 'text', place: { optional: PLACE } } } } },
  } satisfies FieldsOf<ProblemJson>,
};
const REASON: Kind = {
  fields: { code: 'text', text: 'text', items: { optional: TEXTS } } satisfies FieldsOf<Reason>,
};
const TAG: Kind = {
  fields: {
    ref: 'text',
    digest: 'digest',
    action: ['pushed', 'retagged', 'there'],
  } satisfies FieldsOf<TagResult>,
};
const AUDIT: Kind = {
  fields: {
    result: ['same-bytes', 'same-files', 'different', 'not-compared'],
    compared: ['digests', 'files', 'nothing'],
    cached: 'flag',
    differences: { optional: TEXTS },
    why: { optional: 'text' },
  } satisfies FieldsOf<AuditResult>,
};
const LAYERS: Kind = {
  fields: { platform: 'text', sizes: { listOf: 'whole number' } } satisfies FieldsOf<PlatformLayers>,
};
const STEPS: Kind = { fields: { total: 'whole number', cached: 'whole number' } };
const OUTCOME: Kind = {
  fields: {
    build: 'text',
    kind: ['built', 'retagged', 'unchanged', 'failed', 'cancelled', 'blocked'],
    reason: { optional: REASON },
    digest: { optional: 'digest' },
    sizeBytes: { optional: 'whole number' },
    platforms: { optional: TEXTS },
    tags: { listOf: TAG },
    key: { optional: 'text' },
    durationMs: 'number',
    queuedMs: { optional: 'number' },
    steps: { optional: STEPS },
    layers: { optional: { listOf: LAYERS } },
    lastSizeBytes: { optional: 'whole number' },
    audit: { optional: AUDIT },
    problem: { optional: PROBLEM },
    blockedBy: { optional: 'text' },
    dryRun: { optional: 'flag' },
  } satisfies FieldsOf<Outcome>,
};
const SUMMARY: Kind = {
  fields: {
    ok: 'flag',
    cancelled: 'flag',
    outcomes: { listOf: OUTCOME },
    problems: { listOf: PROBLEM },
    durationMs: 'number',
    buildctlCalls: 'whole number',
    registryRequests: { fields: { reads: 'whole number', writes: 'whole number' } },
    audit: {
      optional: {
        fields: {
          seed: 'whole number',
          candidates: 'whole number',
          builds: TEXTS,
        } satisfies FieldsOf<AuditSummary>,
      },
    },
  } satisfies FieldsOf<RunSummary>,
};
const NODE: Kind = {
  fields: {
    build: 'text',
    role: ['asked', 'needed'],
    level: 'whole number',
    needs: TEXTS,
    tags: TEXTS,
    pushes: 'flag',
    usualMs: { optional: 'number' },
  } satisfies FieldsOf<PlannedNode>,
};

/** Fields of each event type besides `type`, `seq` and `atMs`. */
export const EVENT_FIELDS: {
  readonly [T in EventBody['type']]: FieldsOf<Extract<EventBody, { readonly type: T }>>;
} = {
  'run-started': {
    runId: 'text',
    version: 'text',
    runtime: 'text',
    files: TEXTS,
    concurrency: 'whole number',
    root: { optional: 'text' },
    command: { optional: TEXTS },
    dryRun: { optional: 'flag' },
    changed: { optional: CHANGED },
  },
  planned: { nodes: { listOf: NODE } },
  'engine-starting': { text: 'text' },
  'engine-ready': { address: 'text', source: 'text', buildctl: 'text', version: { optional: 'text' } },
  'engine-waiting': { address: 'text', why: 'text', waitMs: 'number' },
  'engine-waited': { address: 'text', waitedMs: 'number', back: 'flag' },
  'engine-aside': { address: 'text', why: 'text' },
  'engine-returned': { address: 'text' },
  'registry-waiting': { registry: 'text', why: 'text', attempt: 'whole number', delayMs: 'number' },
  'node-phase': {
    build: 'text',
    phase: ['checking', 'queued', 'building', 'exporting', 'pushing', 'tagging'],
    slot: { optional: 'whole number' },
    waitsFor: { optional: ['engine'] },
  },
  'node-keyed': {
    build: 'text',
    key: { optional: 'text' },
    files: 'whole number',
    bytes: 'whole number',
    untracked: TEXTS,
  },
  'node-decided': {
    build: 'text',
    decision: ['build', 'unchanged', 'retag', 'rebase'],
    reason: REASON,
  },
  'early-started': { build: 'text', waitsFor: TEXTS, reason: REASON },
  'early-finished': { build: 'text', steps: STEPS },
  'node-started': {
    build: 'text',
    attempt: 'whole number',
    argv: TEXTS,
    engine: { optional: 'text' },
    platforms: { optional: TEXTS },
    beside: { optional: 'flag' },
  },
  vertex: {
    build: 'text',
    digest: 'text',
    name: 'text',
    state: ['pending', 'running', 'done', 'cached', 'failed'],
    durationMs: { optional: 'number' },
    error: { optional: 'text' },
  },
  transfer: {
    build: 'text',
    vertex: 'text',
    id: 'text',
    current: 'number',
    total: { optional: 'number' },
    done: 'flag',
  },
  log: { build: 'text', vertex: 'text', stream: ['stdout', 'stderr'], text: 'text' },
  warning: { build: { optional: 'text' }, problem: PROBLEM },
  retry: { build: 'text', attempt: 'whole number', delayMs: 'number', why: 'text' },
  stalled: {
    build: 'text',
    quietMs: 'number',
    waitsFor: 'text',
    engineAnswers: 'flag',
    endsInMs: { optional: 'number' },
  },
  resumed: { build: 'text', quietMs: 'number' },
  tag: { build: 'text', tag: TAG },
  'node-finished': { build: 'text', outcome: OUTCOME },
  interrupted: { signal: 'text' },
  'run-finished': { summary: SUMMARY },
};

const BY_TYPE: ReadonlyMap<unknown, Fields> = new Map(Object.entries<Fields>(EVENT_FIELDS));

/** A valid event of a type that this version knows. */
export function isEvent(value: unknown): value is BakeEvent {
  if (!isObject(value)) return false;
  const { type, seq, atMs } = value;
  const fields = BY_TYPE.get(type);
  return fields !== undefined && isNumber(seq) && isTime(atMs) && hasFields(value, fields);
}

/** A valid date in JavaScript. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}

function hasFields(value: Readonly<Record<string, unknown>>, fields: Fields): boolean {
  for (const name in fields) {
    const field = fields[name];
    const found = Object.hasOwn(value, name) ? value[name] : undefined;
    if (field === undefined) continue;
    if (typeof field === 'object' && 'optional' in field) {
      if (found !== undefined && !isOf(found, field.optional)) return false;
    } else if (!isOf(found, field)) return false;
  }
  return true;
}

function isOf(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'digest':
      return typeof value === 'string' && isDigest(value);
    case 'flag':
      return typeof value === 'boolean';
    case 'number':
      return isNumber(value);
    case 'whole number':
      return isNumber(value) && Number.isInteger(value);
    default:
  }
  if (typeof kind === 'string') return false;
  if ('listOf' in kind) return Array.isArray(value) && value.every((one) => isOf(one, kind.listOf));
  if ('fields' in kind) return isObject(value) && hasFields(value, kind.fields);
  return typeof value === 'string' && kind.includes(value);
}

/** Small enough that sums and products with it can be written, too. */
function isNumber(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
