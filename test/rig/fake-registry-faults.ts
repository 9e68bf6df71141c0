/** Faults of a fake registry: which request they are for, and what happens to it. */

/** What a rule looks at. */
export interface FaultSubject {
  readonly method: string;
  readonly path: string;
  readonly from: 'bake-ts' | 'engine';
}

/** What happens to a request. `after`: once its effect was had, so that whoever asked does not know of it. */
export type FaultAct =
  /** Answered with this status. */
  | { readonly kind: 'status'; readonly status: number; readonly code?: string; readonly after?: boolean }
  /** The connection ends without an answer. */
  | { readonly kind: 'cut'; readonly after?: boolean }
  /** The connection ends while the body comes. */
  | { readonly kind: 'cut-body' }
  /** Nothing happens until the test lets it go on. */
  | { readonly kind: 'hold'; readonly after?: boolean }
  /** The test does something in between. */
  | { readonly kind: 'call'; readonly run: () => void | Promise<void>; readonly after?: boolean };

/** A fault and its requests. */
export interface FaultRule {
  readonly method?: string;
  /** A part of the path, or a pattern for it. */
  readonly path?: string | RegExp;
  readonly from?: 'bake-ts' | 'engine';
  /** Which of the requests that fit, from 1; default: all of them. */
  readonly nth?: number;
  readonly act: FaultAct;
}

/** A fault that was added. */
export interface InjectedFault {
  /** How many requests had it. */
  readonly hits: number;
  /** Resolves when the first one has it. */
  readonly reached: Promise<void>;
  /** Lets what is held go on, and holds nothing more. */
  release(): void;
  remove(): void;
}

/** An answer in place of the registry's own; `cut`: none. */
export type FaultAnswer =
  | 'cut'
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** What one request has to go through. */
export interface TakenFault {
  readonly cutsBody: boolean;
  before(): Promise<FaultAnswer | undefined>;
  after(): Promise<FaultAnswer | undefined>;
}

/** Error codes of the distribution spec for the statuses that have one. */
const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  429: 'TOOMANYREQUESTS',
};

/** A promise that is resolved from outside. */
export interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** Makes one. */
export function makeSignal(): Signal {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

class Injected implements InjectedFault {
  readonly rule: FaultRule;
  readonly reached: Promise<void>;
  readonly released: Promise<void>;
  readonly release: () => void;
  readonly remove: () => void;
  readonly #reach: () => void;
  #seen = 0;
  #hits = 0;

  constructor(rule: FaultRule, remove: (fault: Injected) => void) {
    this.rule = rule;
    const reached = makeSignal();
    const released = makeSignal();
    this.reached = reached.promise;
    this.#reach = reached.resolve;
    this.released = released.promise;
    this.release = released.resolve;
    this.remove = () => {
      released.resolve();
      remove(this);
    };
  }

  get hits(): number {
    return this.#hits;
  }

  takes({ method, path, from }: FaultSubject): boolean {
    const { rule } = this;
    if (rule.method !== undefined && rule.method !== method) return false;
    if (rule.from !== undefined && rule.from !== from) return false;
    if (typeof rule.path === 'string' && !path.includes(rule.path)) return false;
    if (rule.path instanceof RegExp && !rule.path.test(path)) return false;
    this.#seen += 1;
    if (rule.nth !== undefined && rule.nth !== this.#seen) return false;
    this.#hits += 1;
    this.#reach();
    return true;
  }
}

/** The faults of one registry. The first rule that fits a request takes it. */
export class RegistryFaults {
  #faults: readonly Injected[] = [];

  add(rule: FaultRule): InjectedFault {
    const fault = new Injected(rule, (gone) => {
      this.#faults = this.#faults.filter((one) => one !== gone);
    });
    this.#faults = [...this.#faults, fault];
    return fault;
  }

  clear(): void {
    for (const fault of this.#faults) fault.remove();
  }

  /** What happens to a request; undefined: nothing. */
  take(subject: FaultSubject): TakenFault | undefined {
    const fault = this.#faults.find((one) => one.takes(subject));
    if (fault === undefined) return undefined;
    const { act } = fault.rule;
    const isAfter = act.kind !== 'cut-body' && act.after === true;
    return {
      cutsBody: act.kind === 'cut-body',
      before: async () => (isAfter ? undefined : play(act, fault)),
      after: async () => (isAfter ? play(act, fault) : undefined),
    };
  }
}

async function play(act: FaultAct, fault: Injected): Promise<FaultAnswer | undefined> {
  switch (act.kind) {
    case 'cut':
      return 'cut';
    case 'status': {
      const code = act.code ?? CODES[act.status] ?? 'UNKNOWN';
      return {
        status: act.status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ errors: [{ code, message: 'a fault of the test' }] }),
      };
    }
    case 'hold':
      await fault.released;
      return undefined;
    case 'call':
      await act.run();
      return undefined;
    case 'cut-body':
      return undefined;
  }
}
