/** Who runs beside whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../lib/run/turns.ts';

/** Tasks that say when they run, and end when they are told to. */
function makeTasks(turns: Turns) {
  const running = new Set<string>();
  const ends = new Map<string, (error?: Error) => void>();
  const start = (name: string, kind: 'beside' | 'alone') =>
    turns[kind](async () => {
      running.add(name);
      await new Promise<void>((resolve, reject) => {
        ends.set(name, (error) => (error === undefined ? resolve() : reject(error)));
      }).finally(() => running.delete(name));
      return name;
    });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    start,
    end: (name: string, error?: Error) => ends.get(name)?.(error),
    now: async () => {
      await settle();
      return [...running].sort().join('');
    },
  };
}

test('those that may run together do, one that may not waits for them, and they for it', async () => {
  const { start, end, now } = makeTasks(new Turns());
  const all = [start('a', 'beside'), start('b', 'beside'), start('c', 'alone'), start('d', 'beside')];
  all.push(start('e', 'beside'), start('f', 'alone'), start('g', 'alone'));
  assert.equal(await now(), 'ab');
  end('a');
  assert.equal(await now(), 'b');
  end('b');
  assert.equal(await now(), 'c');
  end('c');
  assert.equal(await now(), 'de');
  end('d');
  end('e');
  assert.equal(await now(), 'f');
  end('f');
  assert.equal(await now(), 'g');
  end('g');
  assert.deepEqual(await Promise.all(all), [...'abcdefg']);
});

test('one that fails lets go of its turn', async () => {
  const { start, end, now } = makeTasks(new Turns());
  const failed = assert.rejects(start('a', 'alone'), /gone/);
  const next = start('b', 'alone');
  assert.equal(await now(), 'a');
  end('a', new Error('gone'));
  assert.equal(await now(), 'b');
  end('b');
  await Promise.all([failed, next]);
});
