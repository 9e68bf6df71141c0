import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutGraph, NODE_HEIGHT, NODE_WIDTH } from '../../lib/page/app/graph-layout.ts';
import { makeTimeline } from '../rig/timelines.ts';

/** What each build of a made-up run needs, as places in its list. */
function needsOf(builds: number): readonly (readonly number[])[] {
  const { timeline } = makeTimeline({ builds });
  const places = new Map(timeline.builds.map(({ build }, at) => [build, at]));
  return timeline.builds.map(({ needs }) => needs.flatMap((name) => places.get(name) ?? []));
}

for (const builds of [1, 6, 60, 300, 1000]) {
  test(`${builds} builds stand apart, right of what they need, within the picture`, () => {
    const needs = needsOf(builds);
    const layout = layoutGraph({ needs }, 1.8);
    const at = new Map(layout.nodes.map((node) => [node.at, node]));
    assert.equal(at.size, builds);
    const sorted = [...layout.nodes].sort((a, b) => a.x - b.x);
    for (const [place, node] of sorted.entries()) {
      assert.ok(node.x >= 0 && node.x + NODE_WIDTH <= layout.width);
      assert.ok(node.y >= 0 && node.y + NODE_HEIGHT <= layout.height);
      for (const other of sorted.slice(place + 1)) {
        if (other.x >= node.x + NODE_WIDTH) break;
        assert.ok(Math.abs(other.y - node.y) >= NODE_HEIGHT, `${node.at} and ${other.at} overlap`);
      }
    }
    for (const [to, own] of needs.entries()) {
      for (const from of own) assert.ok((at.get(from)?.x ?? 0) + NODE_WIDTH < (at.get(to)?.x ?? 0));
    }
  });
}

test('hundreds of builds fill a frame instead of being a strip', () => {
  for (const aspect of [0.6, 1.8]) {
    const { width, height } = layoutGraph({ needs: needsOf(1000) }, aspect);
    const ratio = width / height / aspect;
    assert.ok(ratio > 0.6 && ratio < 1.7, `${width} × ${height} for ${aspect}`);
  }
});

test('edges that a longer way implies are left out, and no others', () => {
  // 3 needs 0 by way of 1; 2 is on no such way.
  const { edges } = layoutGraph({ needs: [[], [0], [], [0, 1, 2]] }, 1.5);
  assert.deepEqual(
    edges.map(({ from, to }) => `${from}-${to}`),
    ['0-1', '1-3', '2-3'],
  );
});
