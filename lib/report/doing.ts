/** What a build does now, or waits for, as text; shared by the live view and plain lines. */
import type { BakeEvent } from '../model/mod.ts';
import type { NodeView, RunState, TransferView, WaitView } from './state.ts';
import { numberOf, withoutNumber } from './step-names.ts';
import { formatBytes, formatDuration, plural } from './units.ts';

/** Builds that are named; the rest is counted. */
const MOST_NAMED = 3;

/** `base`, `base and web`, `base, web, api and 3 more`. */
export function nameSome(names: readonly string[], most: number = MOST_NAMED): string {
  const more = names.length - most;
  if (more > 0) return `${names.slice(0, most).join(', ')} and ${more} more`;
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What is needed to say what the builds of a run wait for; made once for all builds. */
export interface Surroundings {
  /** Whether a build is not finished. */
  readonly isOpen: (build: string) => boolean;
  /** What builds wait for whose dependencies are done: `a slot`. */
  readonly queuedFor: string;
}

/** The surroundings of the builds of a run. */
export function surroundingsOf(state: RunState): Surroundings {
  let slots = 0;
  for (const node of state.nodes.values()) if (node.slot !== undefined) slots += 1;
  const isEngineAway = state.engineWait !== undefined || state.engineText !== undefined;
  return {
    isOpen: (build) => state.nodes.get(build)?.status !== 'finished',
    queuedFor: isEngineAway ? 'the engine' : slots >= state.concurrency ? 'a slot' : 'its turn',
  };
}

/** What a build does now, or waits for. */
export function doing(node: NodeView, nowMs: number, { isOpen, queuedFor }: Surroundings): string {
  if (node.stalled !== undefined) {
    const { sinceMs, waitsFor, endsAtMs } = node.stalled;
    return stalledWords(nowMs - sinceMs, waitsFor, endsAtMs === undefined ? undefined : endsAtMs - nowMs);
  }
  switch (node.status) {
    case 'waiting': {
      const open = node.needs.filter(isOpen);
      return open.length === 0 ? 'waiting' : `waiting for ${nameSome(open)}`;
    }
    case 'queued':
      return `waiting for ${queuedFor}`;
    case 'retrying': {
      const { untilMs = nowMs, why = '', attempt = 1 } = node.retry ?? {};
      return retryWords(Math.max(0, untilMs - nowMs), attempt, why);
    }
    case 'checking':
    case 'tagging':
    case 'finished':
      return node.status;
    case 'pushing':
      return `pushing${sizeOfPush(node)}`;
    case 'exporting':
      return 'exporting';
    case 'building':
      return building(node);
  }
}

/** What a build was doing when it was stopped; undefined: nothing, or it was not stopped. */
export function stoppedIn(node: NodeView | undefined): string | undefined {
  const stopped = node?.stopped;
  return stopped && doing(stopped.node, stopped.atMs, { isOpen: () => false, queuedFor: '' });
}

/** Steps have BuildKit's numbers, as in its messages and the log. */
function building(node: NodeView): string {
  const early = node.earlyFor === undefined ? '' : 'early, ';
  const number = numberOf([...node.running.values()].at(-1) ?? '');
  const step = number === undefined ? `${early}building` : `${early}building step ${number}`;
  const what = stepNow(node);
  return what === undefined ? step : `${step}: ${what}`;
}

/** The running step, or its transfer. */
function stepNow(node: NodeView): string | undefined {
  const transfers = [...node.transfers.values()];
  const names = [...node.running.values()];
  const last = names.at(-1);
  if (last === undefined) return undefined;
  const sized = transfers.filter((one) => one.total !== undefined && one.total > 0);
  if (sized.length > 0 && /\] FROM |^\[internal\]|^\[context /.test(last)) {
    return `${withoutNumber(last)} ${formatBytes(sum(sized, (one) => one.current))} of ${formatBytes(sum(sized, (one) => one.total ?? 0))}`;
  }
  const sending = transfers.find((one) => one.id.startsWith('transferring ') && one.current > 0);
  if (sending !== undefined) return `sending the context,  ${formatBytes(sending.current)}`;
  return `${withoutNumber(last)}${names.length > 1 ? ` (+${names.length - 1})` : ''}`;
}

/** ` 120 MB of 340 MB`, if the engine reports the sizes. */
function sizeOfPush({ transfers }: NodeView): string {
  const sized = [...transfers.values()].filter((one) => one.total !== undefined && one.total > 0);
  if (sized.length === 0) return '';
  const current = sum(sized, (one) => one.current);
  return ` ${formatBytes(current)} of ${formatBytes(sum(sized, (one) => one.total ?? 0))}`;
}

function sum(transfers: readonly TransferView[], of: (one: TransferView) => number): number {
  return transfers.reduce((total, one) => total + of(one), 0);
}

/** What a build without progress waits for, and when it is stopped. */
export function stalledText(event: Extract<BakeEvent, { readonly type: 'stalled' }>): string {
  const words = stalledWords(event.quietMs, event.waitsFor, event.endsInMs);
  return event.endsInMs === undefined ? `${words}; set --stall-timeout to limit this` : words;
}

function stalledWords(quietMs: number, waitsFor: string, endsInMs: number | undefined): string {
  const ends = endsInMs === undefined ? '' : `; stopped in ${formatDuration(endsInMs)} without progress`;
  return `no progress for ${formatDuration(quietMs)}${ends}, waiting for ${waitsFor}`;
}

/** Why an attempt failed, and when the next one starts. */
export function retryText(event: Extract<BakeEvent, { readonly type: 'retry' }>): string {
  return retryWords(event.delayMs, event.attempt, event.why);
}

function retryWords(delayMs: number, failed: number, why: string): string {
  return `trying again${delayMs > 0 ? ` in ${formatDuration(delayMs)}` : ''} (attempt ${failed + 1}): ${why}`;
}

/** The start of a wait for an engine that went away. */
export function engineWaitText(event: Extract<BakeEvent, { readonly type: 'engine-waiting' }>): string {
  return `waiting for the engine ${event.address}, up to ${formatDuration(event.waitMs)}: ${event.why}`;
}

/** The start of a wait for a registry that does not answer. */
export function registryWaitText(event: Extract<BakeEvent, { readonly type: 'registry-waiting' }>): string {
  const { registry, why, delayMs } = event;
  return `registry ${registry}: ${why}; next attempt in ${formatDuration(delayMs)}`;
}

/** A wait for the engine: its duration, and the time left. */
export function engineWaitNow({ what, why, sinceMs, untilMs }: WaitView, nowMs: number): string {
  const left = formatDuration(Math.max(0, untilMs - nowMs));
  return `waiting for the engine ${what} for ${formatDuration(nowMs - sinceMs)}, giving up in ${left}: ${why}`;
}

/** A wait for a registry, the cause first. */
export function registryWaitNow(
  { what, why, sinceMs, untilMs, untils = [] }: WaitView,
  nowMs: number,
): string {
  const waiting = untils.filter((one) => one > nowMs);
  const since = formatDuration(nowMs - sinceMs);
  if (waiting.length === 0) return `registry ${what} ${verbOf(why)}; retrying, ${since} so far`;
  const next = formatDuration(Math.min(untilMs, ...waiting) - nowMs);
  return `registry ${what} ${verbOf(why)}, ${plural(waiting.length, 'request waits', 'requests wait')}; next in ${next}, ${since} so far`;
}

/** `answers 503`; other causes follow a colon. */
function verbOf(why: string): string {
  return why.startsWith('answered ') ? why.replace('answered', 'answers') : `does not answer: ${why}`;
}
