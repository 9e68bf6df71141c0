import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../lib/model/mod.ts';
import { drawDot, drawMermaid, drawTree, planBuilds } from '../../lib/plan/mod.ts';
import { fromBuild, makeBuild, makeSet } from '../rig/sets.ts';

/** Two tops over a diamond; `lib` is linked in two ways; names with signs that graphs escape. */
function diamond(): Plan {
  const made = planBuilds({
    set: makeSet([
      makeBuild('base'),
      makeBuild('lib', { contexts: new Map([['b', fromBuild('base')]]), tags: ['r.io/lib'], push: 'always' }),
      makeBuild('a"\\<&>#', {
        contexts: new Map([
          ['l', fromBuild('lib')],
          ['b', fromBuild('base')],
        ]),
        tags: ['r.io/a'],
        push: 'selected',
      }),
      makeBuild('z', { contexts: new Map([['l', fromBuild('lib')]]), needs: [{ build: 'lib' }] }),
    ]),
    selected: new Set(['a"\\<&>#', 'z']),
    readsOf: (build) => ({
      images: build.name === 'z' ? [{ written: 'lib', use: 'copy' }] : [],
      contexts: [...build.contexts.keys()].map((name) => ({ name, use: 'copy' })),
      onbuild: [],
      unknowns: [],
    }),
  });
  assert.ok(made.ok, JSON.stringify(made));
  return made.value;
}

test('a tree says all reasons, draws its lines past what comes below, and says a part with parts only once', () => {
  assert.equal(
    drawTree(diamond()),
    `a"\\<&>#
├─ lib (context)
│  └─ base (context)
└─ base (context)
z
└─ lib (context, copy, needs) …
`,
  );
});

test('below the last of several, nothing is drawn any more', () => {
  const made = planBuilds({
    set: makeSet([
      makeBuild('one'),
      makeBuild('two', { needs: [{ build: 'one' }] }),
      makeBuild('top', { needs: [{ build: 'two' }] }),
    ]),
    selected: new Set(['top']),
    readsOf: () => undefined,
  });
  assert.ok(made.ok);
  assert.equal(
    drawTree(made.value),
    `top
└─ two (needs)
   └─ one (needs)
`,
  );
});

test('DOT: dashed is a dependency, thick is pushed, and quotes and backslashes are escaped', () => {
  assert.equal(
    drawDot(diamond()),
    `digraph builds {
  rankdir=LR;
  node [shape=box];
  "base" [style=dashed];
  "lib" [style=dashed, penwidth=2];
  "a\\"\\\\<&>#" [penwidth=2];
  "z";
  "lib" -> "base" [label="context"];
  "a\\"\\\\<&>#" -> "lib" [label="context"];
  "a\\"\\\\<&>#" -> "base" [label="context"];
  "z" -> "lib" [label="context, copy, needs"];
}
`,
  );
});

test('Mermaid: round is a dependency, and what means something to it is written as a code', () => {
  assert.equal(
    drawMermaid(diamond()),
    `flowchart LR
  b0(["base"])
  b1(["lib"])
  b2["a#34;\\#60;#38;#62;#35;"]
  b3["z"]
  b1 -->|context| b0
  b2 -->|context| b1
  b2 -->|context| b0
  b3 -->|context, copy, needs| b1
`,
  );
});
