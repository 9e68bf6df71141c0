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

test('DOT: arrows in build order, dashed where files are copied; round is a dependency, thick is pushed', () => {
  assert.equal(
    drawDot(diamond()),
    `digraph builds {
  rankdir=LR;
  node [shape=box];
  label="dashed arrow: only files are copied\\lround: dependency that was not requested\\lthick: pushed\\l";
  labeljust=l;
  "base" [style=rounded, color=gray40];
  "lib" [style=rounded, penwidth=2, color=gray40];
  "a\\"\\\\<&>#" [penwidth=2];
  "z";
  "base" -> "lib" [style=dashed];
  "lib" -> "a\\"\\\\<&>#" [style=dashed];
  "base" -> "a\\"\\\\<&>#" [style=dashed];
  "lib" -> "z" [style=dashed];
}
`,
  );
});

test('Mermaid: the same, and what means something to it is written as a code', () => {
  assert.deepEqual(drawMermaid(diamond()), {
    text: `flowchart LR
  b0(["base"])
  b1(["lib"])
  b2["a#34;\\#60;#38;#62;#35;"]
  b3["z"]
  b0 -.-> b1
  b1 -.-> b2
  b0 -.-> b2
  b1 -.-> b3
  classDef pushed stroke-width:3px
  class b1,b2 pushed
  legend["dashed arrow: only files are copied<br>round: dependency that was not requested<br>thick: pushed"]
  classDef note fill:none,stroke:none,text-align:left
  class legend note
`,
    warnings: [],
  });
});

/** A plan of builds that need one another by `needs`, or read one another by FROM. */
function planOf(
  builds: readonly {
    readonly name: string;
    readonly from?: readonly string[];
    readonly needs?: readonly string[];
  }[],
): Plan {
  const made = planBuilds({
    set: makeSet(
      builds.map(({ name, from = [], needs = [] }) => {
        const [, matrix] = /^(.*)-row/.exec(name) ?? [];
        return makeBuild(name, {
          contexts: new Map(from.map((to) => [to, fromBuild(to)])),
          needs: needs.map((build) => ({ build })),
          ...(matrix === undefined ? {} : { matrix: { name: matrix, row: {} } }),
        });
      }),
    ),
    selected: new Set(builds.map(({ name }) => name)),
    readsOf: (build) => ({
      images: [],
      contexts: [...build.contexts.keys()].map((name) => ({ name, use: 'from' })),
      onbuild: [],
      unknowns: [],
    }),
  });
  assert.ok(made.ok, JSON.stringify(made));
  return made.value;
}

test('what is based on another has a plain arrow, what only comes later says so, rows of a matrix stand together', () => {
  const plan = planOf([
    { name: 'base' },
    { name: 'api-row1', from: ['base'] },
    { name: 'api-row2', from: ['base'], needs: ['base'] },
    { name: 'late', needs: ['base'] },
  ]);
  assert.equal(
    drawMermaid(plan).text,
    `flowchart LR
  b0["base"]
  subgraph g1["api"]
    b1["api-row1"]
    b2["api-row2"]
  end
  b3["late"]
  b0 --> b1
  b0 --> b2
  b0 -.->|order only| b3
`,
  );
  const dot = drawDot(plan);
  assert.match(
    dot,
    / {2}subgraph "cluster_api" \{\n {4}label="api";\n {4}"api-row1";\n {4}"api-row2";\n {2}\}\n/,
  );
  assert.match(dot, /"base" -> "api-row1";\n.*\n {2}"base" -> "late" \[style=dotted, label="order only"\];/);
});

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

test('what Mermaid would refuse has builds of the same kind as one box', () => {
  const services = names('service-', 600).map((name) => ({ name, from: ['base'] }));
  const { text, warnings } = drawMermaid(
    planOf([{ name: 'base' }, ...services, { name: 'last', from: ['service-3'] }]),
  );
  assert.deepEqual(warnings, []);
  assert.match(text, /b1\["service-0 and 598 more"\]/);
  assert.match(text, /"service-3"/);
  assert.equal(text.match(/-->/g)?.length, 3);
  assert.match(text, /same needs and the same readers/);
});

test('where that is not enough, arrows that follow from others fall away', () => {
  // Each needs all before it: 40 * 39 / 2 arrows, and no two alike.
  const chain = names('layer-', 40).map((name, at) => ({ name, from: names('layer-', at) }));
  const { text, warnings } = drawMermaid(planOf(chain));
  assert.deepEqual(warnings, []);
  assert.equal(text.match(/-->/g)?.length, 39);
  assert.match(text, /^ {2}b38 --> b39$/m);
});

test('where nothing is enough, there is a warning that says what to do', () => {
  const bases = names('base-', 40).map((name) => ({ name }));
  // Each needs two others than the rest: none are alike, and nothing follows from anything.
  const tops = names('top-', 390).map((name, at) => ({
    name,
    from: [`base-${at % 40}`, `base-${(at + 1 + Math.floor(at / 40)) % 40}`],
  }));
  const { text, warnings } = drawMermaid(planOf([...bases, ...tops]));
  assert.deepEqual(
    warnings.map(({ code, severity }) => [code, severity]),
    [['plan/picture-too-large', 'warning']],
  );
  assert.match(text, /^flowchart LR\n/);
});
