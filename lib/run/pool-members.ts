/** The engines of a pool: which there are, which answer, and which are set aside for a while. */
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

/** What is done about the engines of a pool. */
export interface PoolMembersOptions {
  readonly access: PoolAccess;
  readonly entries: readonly PoolEntry[];
  readonly question: PoolQuestion & { readonly signal: AbortSignal };
  /** Makes the way to an engine. */
  readonly buildctlOf: (program: string, target: EngineTarget) => Buildctl;
  readonly emit: Emit;
  /** An engine answers: for the first time, or again. */
  readonly onAnswer: (member: KnownMember, isNew: boolean) => void;
  /** The pod of one is gone: it gets no builds any more; where it comes back, it answers for the first time. */
  readonly onLeave: (id: string) => void;
  /** Whether a build waits that no other engine can build. */
  readonly isUrgent: () => boolean;
}

/** One engine of the pool. */
export interface PoolMember {
  readonly address: MemberAddress;
  readonly buildctl: Buildctl;
  /** Undefined: it has not answered yet. */
  readonly state: MemberState | undefined;
  /** Why it gets no builds; undefined: it gets some. */
  readonly aside: Problem | undefined;
}

/** One that has answered. */
export type KnownMember = PoolMember & { readonly state: MemberState };

/** The same as it changes. */
interface Changing extends PoolMember {
  state: MemberState | undefined;
  aside: Problem | undefined;
  /** Builds with a step that found no room there. */
  readonly cramped: Set<string>;
  /** As often it was set aside. */
  strikes: number;
  /** Before that it is asked again only where a build has no other (`performance.now`). */
  untilMs: number;
  isAsked: boolean;
  /** Its pod is gone; it is kept to say so, and since another may come in its place. */
  isGone: boolean;
  /** It was not there when the run began. */
  readonly isLate: boolean;
}

/** How long an engine may take to answer a question; ways over ssh and kubectl take a second or two. */
const ANSWER_MS = 10_000;
/** After the first one has answered the others are waited for no longer than that; they join when they answer. */
const OTHERS_MS = 3_000;
/** How long one that is waited for may take to answer. */
export const RETURN_MS = 5_000;
/** How long an engine is set aside the first time; twice as long each time after that. */
const ASIDE_MS = 10_000;
const LONGEST_ASIDE_MS = 5 * 60_000;
/** Between two questions to the engines that are set aside while a build has no other. */
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

  /** All of them, in the order of the pool. */
  get all(): readonly PoolMember[] {
    return [...this.#members.values()];
  }

  /** Those that have answered and are not gone, in the order of the pool. */
  get known(): readonly KnownMember[] {
    const present: readonly PoolMember[] = [...this.#members.values()].filter(({ isGone }) => !isGone);
    return present.filter(isKnown);
  }

  get(id: string): PoolMember | undefined {
    return this.#members.get(id);
  }

  /**
   * Finds out which engines there are, and asks all of them at once.
   *
   * @returns what is wrong with some of them; problems where none answers
   */
  open(): Promise<Result<readonly Problem[]>> {
    this.#opened ??= this.#openOnce();
    return this.#opened;
  }

  /** Says which there are and which do not answer; from now on what changes is said, too. */
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

  /** An engine went away, or cannot go on: it is asked again after a while. */
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
   * Whether a failure of a build is the fault of the engine that it ran on.
   *
   * @returns `possible`: a step found no room, on the engine's disk or on one of its own; where a second build says the same, it is certain
   */
  faultOf(id: string, build: string, failure: Problem): 'certain' | 'possible' | undefined {
    if (failure.code === 'engine/disk-full' || isEngineAway(failure)) return 'certain';
    const builds = this.#members.get(id)?.cramped;
    if (builds === undefined || !speaksOfFullDisk(failure)) return undefined;
    if (builds.add(build).size < 2) return 'possible';
    builds.clear();
    return 'certain';
  }

  /** Asks those that are set aside when it is time, and at once where a build has no other; goes on while there are some. */
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
    // Nobody waits for that alone.
    this.#watch = setTimeout(() => this.look(), ASK_MS).unref();
  }

  /**
   * Lists the pods again, if it is time: new ones join, those that are gone leave.
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
    // One of them may be named by its address, too.
    const named = new Set(this.all.flatMap(({ address }) => (isPod(address) ? [] : address.address)));
    await Promise.all(members.map((one) => (named.has(one.address) ? undefined : this.#join(one))));
  }

  /** What is known of each, a line each. */
  describe(): string {
    return this.all
      .map(({ address, aside, state }) => {
        if (aside !== undefined) return `${address.id}: ${aside.message}`;
        const platforms = state === undefined ? 'what is not known yet' : state.platforms.join(', ');
        const labels = address.labels.length === 0 ? '' : `, labels ${address.labels.join(', ')}`;
        return `${address.id}: builds for ${platforms}${labels}`;
      })
      .join('\n');
  }

  /** Nothing is asked any more. */
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
    // What is written wrongly is no engine that went away, and with no way to any of them there is nobody to ask.
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

  /** What runs there may yet end well: a pod that is about to end waits for that. */
  #leave(one: Changing): void {
    const { address, aside } = one;
    const why = 'its pod is gone, or not ready any more';
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

  /** Resolves when all have answered, or had the time for it, or some have and the others take long. */
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

  /** Asks one that gets no builds, or has not been asked; it gets some where it answers. */
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

/** Whether an engine can build it, or may once it answers. */
export function mayTake(one: PoolMember, placement: Placement): boolean {
  if (isKnown(one)) return canTake(one, placement);
  const labels = placement.labels.filter((label) => !isOwnLabel(label));
  return whoCan({ ...placement, labels }, [one.address]).length > 0;
}

/** Whether an engine can build it; of one that never answered nobody knows. */
export function canTake(one: PoolMember, placement: Placement): boolean {
  return isKnown(one) && whoCan(placement, [asMember(one)]).length > 0;
}

/** An engine as builds are placed on it. */
export function asMember({ address, state }: KnownMember): Member {
  const { id, jobs, labels } = address;
  const { platforms } = state;
  const own = ownPlatform(state);
  // `platforms` of the pool may keep an engine for others than its own.
  const takesOwn = platforms.length === 0 || platforms.some((one) => isSamePlatform(one, own));
  return { id, jobs, platforms, labels: takesOwn ? [...labels, ownLabel(own)] : labels };
}

/** Stands for the platform that an engine builds for where none is named; no label of a user has a blank. */
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
    hint: '`bake-ts engine status` asks each of them.',
    detail: [detail, ...problems.map(({ message }) => message)].filter((one) => one !== '').join('\n'),
    temporary: true,
  });
}
