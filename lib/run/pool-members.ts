/** The engines of a pool: which exist, which answer, and which are paused. */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Buildctl } from '../buildctl/mod.ts';
import type { MemberAddress } from '../engine/mod.ts';
import {
  type EngineTarget,
  fail,
  isSamePlatform,
  ok,
  type PoolEntry,
  type Problem,
  problem,
  type Result,
  wasCancelled,
} from '../model/mod.ts';
import { type Member, type Placement, whoCan } from '../pool/mod.ts';
import type { Emit } from './emitter.ts';
import { isEngineAway, speaksOfFullDisk } from './engine-slots.ts';
import type { MemberState, PoolAccess, PoolQuestion } from './pool-access.ts';
import { isPod, PoolPods } from './pool-pods.ts';

/** Options of pool members. */
export interface PoolMembersOptions {
  readonly access: PoolAccess;
  readonly entries: readonly PoolEntry[];
  readonly question: PoolQuestion & { readonly signal: AbortSignal };
  /** Creates the buildctl for an engine. */
  readonly buildctlOf: (program: string, target: EngineTarget) => Buildctl;
  readonly emit: Emit;
  /** Called when an engine answers for the first time or again. */
  readonly onAnswer: (member: KnownMember, isNew: boolean) => void;
  /** Called when the pod of an engine is gone: it gets no more builds. If it comes back it is treated as new. */
  readonly onLeave: (id: string) => void;
  /** Whether a waiting build has no other engine. */
  readonly isUrgent: () => boolean;
}

/** One engine of the pool. */
export interface PoolMember {
  readonly address: MemberAddress;
  readonly buildctl: Buildctl;
  /** Undefined if it has not answered yet. */
  readonly state: MemberState | undefined;
  /** Why it is paused; undefined: it is not. */
  readonly aside: Problem | undefined;
}

/** One that has answered. */
export type KnownMember = PoolMember & { readonly state: MemberState };

/** The mutable form of a member. */
interface Changing extends PoolMember {
  state: MemberState | undefined;
  aside: Problem | undefined;
  /** Builds with a step that reported a full disk there. */
  readonly cramped: Set<string>;
  /** How often it was paused. */
  strikes: number;
  /** Before that it is queried again only if a build has no other engine (`performance.now`). */
  untilMs: number;
  isAsked: boolean;
  /** Its pod is gone. The entry is kept for messages and because a replacement may come. */
  isGone: boolean;
  /** It did not exist when the run started. */
  readonly isLate: boolean;
}

/** How long an engine may take to answer; connections over ssh and kubectl take a second or two. */
const ANSWER_MS = 10_000;
/** How long to wait for other engines after the first one has answered; they join later when they answer. */
const OTHERS_MS = 3_000;
/** How long a returning engine may take to answer. */
export const RETURN_MS = 5_000;
/** How long an engine is paused the first time; doubles each time. */
const ASIDE_MS = 10_000;
const LONGEST_ASIDE_MS = 5 * 60_000;
/** Interval of queries to paused engines while a build has no other. */
const ASK_MS = 1_000;

/** The engines of one session's pool. */
export class PoolMembers {
  readonly #options: PoolMembersOptions;
  readonly #members = new Map<string, Changing>();
  readonly #pods: PoolPods;
  #program = 'buildctl';
  #opened: Promise<Result<readonly Problem[]>> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #isAnnounced = false;
  #isClosed = false;

  constructor(options: PoolMembersOptions) {
    this.#options = options;
    this.#pods = new PoolPods(options.access, options.entries, options.question);
  }

  /** All engines, in the order of the pool. */
  get all(): readonly PoolMember[] {
    return [...this.#members.values()];
  }

  /** Engines that have answered and are not gone, in the order of the pool. */
  get known(): readonly KnownMember[] {
    const present: readonly PoolMember[] = [...this.#members.values()].filter(({ isGone }) => !isGone);
    return present.filter(isKnown);
  }

  get(id: string): PoolMember | undefined {
    return this.#members.get(id);
  }

  /**
   * Lists the engines and queries all of them concurrently.
   *
   * @returns problems of some engines; fails if none answers
   */
  open(): Promise<Result<readonly Problem[]>> {
    this.#opened ??= this.#openOnce();
    return this.#opened;
  }

  /** Reports the engines and which do not answer, and from now on also changes. */
  announce(): void {
    const { emit } = this.#options;
    for (const one of this.#members.values()) {
      const { address, state, aside } = one;
      if (state !== undefined) this.#sayReady(one);
      else {
        const why = aside?.message ?? 'it has not answered yet';
        emit({ type: 'engine-aside', address: address.id, why });
      }
    }
    this.#isAnnounced = true;
    this.look();
  }

  /** Pauses an engine that went away or cannot continue; it is queried again later. */
  setAside(id: string, why: Problem): void {
    const one = this.#members.get(id);
    if (one === undefined || one.aside !== undefined) return;
    const asideMs = Math.min(LONGEST_ASIDE_MS, ASIDE_MS * 2 ** one.strikes);
    one.strikes++;
    one.untilMs = performance.now() + asideMs;
    one.aside = why;
    this.#options.emit({ type: 'engine-aside', address: id, why: why.message });
    if (isPod(one.address)) this.#pods.noteLoss();
    this.look();
  }

  /**
   * Whether the engine caused the failure of a build.
   *
   * @returns `possible`: a step reported a full disk, the engine's or one of its own; if a second build does too, it is certain
   */
  faultOf(id: string, build: string, failure: Problem): 'certain' | 'possible' | undefined {
    if (failure.code === 'engine/disk-full' || isEngineAway(failure)) return 'certain';
    const builds = this.#members.get(id)?.cramped;
    if (builds === undefined || !speaksOfFullDisk(failure)) return undefined;
    if (builds.add(build).size < 2) return 'possible';
    builds.clear();
    return 'certain';
  }

  /** Queries paused engines when it is time, and at once if a build has no other; repeats while some are paused. */
  look(): void {
    clearTimeout(this.#watch);
    const { question, isUrgent } = this.#options;
    if (this.#isClosed || question.signal.aborted) return;
    const away = [...this.#members.values()].filter(({ aside }) => aside !== undefined);
    if (away.length === 0) return;
    const isAtOnce = isUrgent();
    const now = performance.now();
    for (const one of away) {
      if (one.isGone || (!isAtOnce && now < one.untilMs)) continue;
      one.untilMs = now + ASIDE_MS;
      void this.#ask(one, RETURN_MS);
    }
    if (away.some(({ address }) => isPod(address))) void this.listPods(isAtOnce);
    // Do not keep the process alive for that.
    this.#watch = setTimeout(() => this.look(), ASK_MS).unref();
  }

  /**
   * Lists the pods again if it is time: new ones join, missing ones leave.
   *
   * @param isUrgent a build has no engine
   */
  async listPods(isUrgent: boolean): Promise<void> {
    const listed = await this.#pods.listIfDue(isUrgent);
    if (listed === undefined || this.#isClosed || this.#options.question.signal.aborted) return;
    const { members, isWhole } = listed;
    const ids = new Set(members.map(({ id }) => id));
    for (const one of isWhole ? this.#members.values() : [])
      if (isPod(one.address) && !one.isGone && !ids.has(one.address.id)) this.#leave(one);
    // A pod may also be configured by its address.
    const named = new Set(this.all.flatMap(({ address }) => (isPod(address) ? [] : address.address)));
    await Promise.all(members.map((one) => (named.has(one.address) ? undefined : this.#join(one))));
  }

  /** Describes each engine, one per line. */
  describe(): string {
    return this.all
      .map(({ address, aside, state }) => {
        if (aside !== undefined) return `${address.id}: ${aside.message}`;
        const platforms = state === undefined ? 'unknown platforms' : state.platforms.join(', ');
        const labels = address.labels.length === 0 ? '' : `, labels ${address.labels.join(', ')}`;
        return `${address.id}: builds for ${platforms}${labels}`;
      })
      .join('\n');
  }

  /** Sends no more queries. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#watch);
  }

  async #openOnce(): Promise<Result<readonly Problem[]>> {
    const { access, entries, question } = this.#options;
    const program = await access.findBuildctl(question.env);
    if (!program.ok) return fail([program.error]);
    this.#program = program.value;
    const { members, problems } = await access.list(entries, question);
    for (const address of members) this.#enter(address);
    // An invalid address is a mistake, not an engine that went away; without any members there is nothing to query.
    const wrong =
      members.length === 0 ? problems : problems.filter(({ code }) => code === 'engine/bad-address');
    if (wrong.length > 0) return fail(wrong);
    await this.#askAll();
    if (question.signal.aborted) return fail([wasCancelled()]);
    return this.known.length > 0 ? ok(problems) : fail([noneAnswers(this.describe(), problems)]);
  }

  #enter(address: MemberAddress): Changing {
    const buildctl = this.#options.buildctlOf(this.#program, address);
    const nothing = { state: undefined, aside: undefined, strikes: 0, untilMs: 0, isAsked: false };
    const isLate = this.#isAnnounced && !this.#members.has(address.id);
    const one = { address, buildctl, ...nothing, cramped: new Set<string>(), isGone: false, isLate };
    this.#members.set(address.id, one);
    return one;
  }

  async #join(address: MemberAddress): Promise<void> {
    if (this.#members.get(address.id)?.isGone === false) return;
    const one = this.#enter(address);
    await this.#ask(one, ANSWER_MS);
    if (one.aside === undefined || one.isGone) return;
    this.#options.emit({ type: 'engine-aside', address: address.id, why: one.aside.message });
    this.look();
  }

  /** Running builds may still succeed, since a terminating pod waits for them. */
  #leave(one: Changing): void {
    const { address, aside } = one;
    const why = 'its pod is gone or no longer ready';
    one.isGone = true;
    one.aside = aside ?? problem('engine/unreachable', `${address.id}: ${why}`, { temporary: true });
    this.#options.emit({ type: 'engine-aside', address: address.id, why });
    this.#options.onLeave(address.id);
  }

  #sayReady({ address, buildctl, state }: Changing): void {
    const source = `a pool of ${[...this.#members.values()].filter(({ isGone }) => !isGone).length}`;
    const version = state?.version === undefined ? {} : { version: state.version };
    const { program } = buildctl;
    this.#options.emit({ type: 'engine-ready', address: address.id, source, buildctl: program, ...version });
  }

  /** Resolves when all have answered or timed out, or some have answered and the others take long. */
  async #askAll(): Promise<void> {
    const asked = [...this.#members.values()].map((one) => this.#ask(one, ANSWER_MS));
    const stopper = new AbortController();
    const some = asked.map(async (one) => {
      await one;
      if (this.known.length === 0) return new Promise<void>(() => undefined);
      return delay(OTHERS_MS, undefined, { signal: stopper.signal }).catch(() => undefined);
    });
    await Promise.race([Promise.all(asked), ...some]);
    stopper.abort();
  }

  /** Queries a paused or new engine, and uses it if it answers. */
  async #ask(one: Changing, timeoutMs: number): Promise<void> {
    if (one.isAsked) return;
    one.isAsked = true;
    const { access, question, emit, onAnswer } = this.#options;
    const options = { ...question, buildctl: one.buildctl.program, timeoutMs };
    const answer = await access.ask(one.address, options);
    one.isAsked = false;
    if (this.#isClosed || one.isGone) return;
    if (!answer.ok) {
      one.aside = answer.error[0] ?? one.aside ?? noAnswer(one.address.id);
      return;
    }
    const isNew = one.state === undefined;
    one.state = answer.value;
    const isBack = one.aside !== undefined || isNew;
    if (one.isLate && isNew && one.aside === undefined) this.#sayReady(one);
    else if (isBack && this.#isAnnounced) emit({ type: 'engine-returned', address: one.address.id });
    one.aside = undefined;
    if (isKnown(one)) onAnswer(one, isNew);
  }
}

function isKnown(member: PoolMember): member is KnownMember {
  return member.state !== undefined;
}

/** Whether an engine can run a build, or may be able to once it answers. */
export function mayTake(one: PoolMember, placement: Placement): boolean {
  if (isKnown(one)) return canTake(one, placement);
  const labels = placement.labels.filter((label) => !isOwnLabel(label));
  return whoCan({ ...placement, labels }, [one.address]).length > 0;
}

/** Whether an engine can run a build; false if it never answered. */
export function canTake(one: PoolMember, placement: Placement): boolean {
  return isKnown(one) && whoCan(placement, [asMember(one)]).length > 0;
}

/** An engine as a member for the scheduler. */
export function asMember({ address, state }: KnownMember): Member {
  const { id, jobs, labels } = address;
  const { platforms } = state;
  const own = ownPlatform(state);
  // `platforms` of the pool may exclude an engine's own platform.
  const takesOwn = platforms.length === 0 || platforms.some((one) => isSamePlatform(one, own));
  return { id, jobs, platforms, labels: takesOwn ? [...labels, ownLabel(own)] : labels };
}

/** A label for an engine's default platform; labels of users never contain a blank. */
export function ownLabel(platform: string): string {
  return `own ${platform}`;
}

function isOwnLabel(label: string): boolean {
  return label.startsWith('own ');
}

export function ownPlatform({ worker }: MemberState): string {
  return worker.platforms[0] ?? 'unknown';
}

function noAnswer(id: string): Problem {
  return problem('engine/unreachable', `${id} does not answer`, { temporary: true });
}

function noneAnswers(detail: string, problems: readonly Problem[]): Problem {
  return problem('engine/none-left', 'no engine of the pool answers', {
    hint: 'Check each of them with `bake-ts engine status`.',
    detail: [detail, ...problems.map(({ message }) => message)].filter((one) => one !== '').join('\n'),
    temporary: true,
  });
}
