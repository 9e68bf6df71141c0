/** Engines in pods come and go: when they are listed again, and which there are then. */
import { performance } from 'node:perf_hooks';
import type { MemberAddress } from '../engine/mod.ts';
import type { PoolEntry } from '../model/mod.ts';
import type { PoolAccess, PoolQuestion } from './pool-access.ts';

/** Between two lists at least, and at most while there is a reason to ask. */
const LIST_MS = 10_000;
const LONGEST_LIST_MS = 60_000;

/** The pods that are ready now. */
export interface PodList {
  readonly members: readonly MemberAddress[];
  /** Whether all of the clusters answered: only then what is not among them is gone. */
  readonly isWhole: boolean;
}

/** Whether it was found by `kubernetes`: such a one is named by its pod, all others by their addresses. */
export function isPod({ id, address }: MemberAddress): boolean {
  return id !== address;
}

/** The pods of a pool. */
export class PoolPods {
  readonly #access: PoolAccess;
  readonly #entries: readonly PoolEntry[];
  readonly #question: PoolQuestion;
  readonly #leastMs: number;
  /** How long the last list stands; longer each time, since whoever looks for one pod may look for long. */
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

  /** One was lost: others may have come in its place. */
  noteLoss(): void {
    this.#standsMs = this.#leastMs;
  }

  /**
   * Lists them, if it is time.
   *
   * @param isUrgent a build has no engine: as soon as it may be
   * @returns undefined: it is not
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
