/** Calls that may run beside one another, and calls that may not. */

interface Waiter {
  readonly isAlone: boolean;
  readonly admit: () => void;
}

/** First come, first served; calls that are `beside` others run together until one that is `alone` is next. */
export class Turns {
  #running = 0;
  #isAlone = false;
  readonly #waiting: Waiter[] = [];

  /**
   * Runs a task beside others of its kind.
   *
   * @param onWait called where it cannot run at once
   */
  beside<T>(task: () => Promise<T>, onWait?: () => void): Promise<T> {
    return this.#run(false, task, onWait);
  }

  /**
   * Runs a task while no other one runs.
   *
   * @param onWait called where it cannot run at once
   */
  alone<T>(task: () => Promise<T>, onWait?: () => void): Promise<T> {
    return this.#run(true, task, onWait);
  }

  async #run<T>(isAlone: boolean, task: () => Promise<T>, onWait?: () => void): Promise<T> {
    await new Promise<void>((resolve) => {
      let isAdmitted = false;
      const admit = () => {
        isAdmitted = true;
        resolve();
      };
      this.#waiting.push({ isAlone, admit });
      this.#admitNext();
      if (!isAdmitted) onWait?.();
    });
    try {
      return await task();
    } finally {
      this.#running--;
      this.#isAlone = false;
      this.#admitNext();
    }
  }

  #admitNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#isAlone || (next.isAlone && this.#running > 0)) return;
      this.#waiting.shift();
      this.#running++;
      this.#isAlone = next.isAlone;
      next.admit();
    }
  }
}
