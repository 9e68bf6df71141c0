/**
 * `node:test` for the mutants' worker: collects tests instead of running them, so that one process can run any of them
 * repeatedly. Supports only what the tests of this repository use.
 */

/** @type {{ name: string, run: () => Promise<void> }[]} */
let collected = [];

/** Tests declared since the last call. */
export function takeTests() {
  const taken = collected;
  collected = [];
  return taken;
}

/** Declares a test. */
export function test(name, ...rest) {
  const { skip, fn } = readArguments(rest);
  if (skip) return Promise.resolve();
  collected.push({ name, run: () => runTest(name, fn) });
  return Promise.resolve();
}

function readArguments(rest) {
  const options = typeof rest[0] === 'object' ? rest[0] : {};
  const fn = rest.find((one) => typeof one === 'function') ?? (() => {});
  return {
    skip: options.skip === true || typeof options.skip === 'string' || options.todo !== undefined,
    fn,
  };
}

async function runTest(name, fn) {
  const cleanups = [];
  const children = [];
  const abort = new AbortController();
  const context = {
    name,
    fullName: name,
    signal: abort.signal,
    after: (cleanup) => void cleanups.push(cleanup),
    diagnostic() {},
    skip() {},
    test(childName, ...rest) {
      const child = readArguments(rest);
      if (child.skip) return Promise.resolve();
      const running = runTest(childName, child.fn);
      running.catch(() => {}); // Reported below.
      children.push(running);
      return running;
    },
  };
  try {
    await fn(context);
    await Promise.all(children);
  } finally {
    abort.abort();
    await Promise.allSettled(children);
    for (const cleanup of cleanups) await cleanup(context);
  }
}
