/** Comparing the two readers of YAML on one text. */
import assert from 'node:assert/strict';
import type { Node, Origin } from '../../lib/config/tree.ts';
import { readFast } from '../../lib/config/yaml/fast.ts';
import { readFully } from '../../lib/config/yaml/full.ts';

/** Where a test's text comes from. */
export function originOf(text: string): Origin {
  return { source: { path: 'builds.yaml', text }, dir: '/' };
}

/** A tree as data that two readers must agree on: values, texts as written, plainness, order of keys, all places. */
export function shapeOf(node: Node): unknown {
  const place = `${node.start}-${node.end}`;
  if (node.kind === 'scalar') {
    const value = Object.is(node.value, -0) ? 0 : node.value;
    return { place, value: Number.isNaN(value) ? 'NaN' : value, text: node.text, plain: node.plain };
  }
  if (node.kind === 'list') return { place, items: node.items.map(shapeOf) };
  return {
    place,
    entries: [...node.entries.values()].map((entry) => [
      `${entry.key} ${entry.keyStart}-${entry.keyEnd}`,
      shapeOf(entry.value),
    ]),
  };
}

/** False where the fast reader passes; else it must have read what the package reads. */
export async function assertSameTree(text: string): Promise<boolean> {
  const fast = readFast(originOf(text));
  if (fast === undefined) return false;
  const full = await readFully(originOf(text));
  assert.deepEqual(
    full.problems.map((one) => one.message),
    [],
    `the package refuses ${JSON.stringify(text)}`,
  );
  assert.ok(full.node, `the package finds nothing in ${JSON.stringify(text)}`);
  assert.deepEqual(shapeOf(fast), shapeOf(full.node), JSON.stringify(text));
  return true;
}
