/** Lists engines in pods repeatedly, since they come and go. */
import { performance } from 'node:perf_hooks';
import type { MemberAddress } from '../engine/mod.ts';
import type { PoolEntry } from '../model/mod.ts';
import type { PoolAccess, PoolQuestion } from './pool-access.ts';

/** Shortest and longest interval between two lists. */
const LIST_MS = 10_000;
const LONGEST_LIST_MS = 60_000;

/** The pods that are ready now. */
export interface PodList {
  readonly members: readonly MemberAddress[];
  /** Whether all clusters answered; only then missing pods are gone. */
  readonly isWhole: boolean;
}

/** Whether it was found by `kubernetes`: such a member is named by its pod, others by their addresses. */
export function isPod({ id, address }: MemberAddress): boolean {
  return id !== address;
}

/** The pods of a pool. */
export class PoolPods {
  readonly #access: PoolAccess;
  readonly #entries: readonly PoolEntry[];
  readonly #question: PoolQuestion;
  readonly #leastMs: number;
  /** How long the last list is valid; longer each time, since waiting for a pod may take long. */
  #standsMs: number;
  #listedAt = performance.now();
  #isListing = false;

  constructor(access: PoolAccess, entries: readonly PoolEntry[], question: PoolQuestion) {
    this.#access = access;
    this.#entries = entries.filter(({ kubernetes }) => kubernetes !== undefined);
    this.#question = question;
    this.#leastMs = access.listMs ?? LIST_MS;
    this.#standsMs = this.#leastMs;
  }

  /** Notes the loss of a pod: a replacement may exist already. */
  noteLoss(): void {
    this.#standsMs = this.#leastMs;
  }

  /**
   * Lists the pods if it is time.
   *
   * @param isUrgent a build has no engine: use the shortest interval
   * @returns undefined: it is not time
   */
  async listIfDue(isUrgent: boolean): Promise<PodList | undefined> {
    if (this.#entries.length === 0 || this.#isListing) return undefined;
    const standsMs = isUrgent ? this.#leastMs : this.#standsMs;
    if (performance.now() - this.#listedAt < standsMs) return undefined;
    this.#isListing = true;
    const { members, problems } = await this.#access.list(this.#entries, this.#question);
    this.#isListing = false;
    this.#listedAt = performance.now();
    this.#standsMs = Math.min(LONGEST_LIST_MS, this.#standsMs * 2);
    return { members, isWhole: problems.every(({ code }) => code === 'engine/no-pods') };
  }
}
