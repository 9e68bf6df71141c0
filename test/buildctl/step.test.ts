/** Where a step that failed is in the Dockerfile, when BuildKit does not point at it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFailure, ProgressReader } from '../../lib/buildctl/mod.ts';
import { formatPlace, type Problem, type SourceFile } from '../../lib/model/mod.ts';

function explain(dockerfile: SourceFile, lines: readonly string[]): Problem {
  const reader = new ProgressReader('api', () => {}, dockerfile);
  for (const line of lines) reader.line(line);
  return explainFailure('api', 1, reader.summary(), dockerfile);
}

// What buildctl 0.34.2 wrote, less what loads files, digests cut. Another build with the same COPY and RUN in a
// Dockerfile of its own ran at the same time: its steps are shown, under its names, and there is no excerpt.
const RECORDED = [
  String.raw`{"vertexes":[{"digest":"sha256:776a4722","inputs":["sha256:adc618a7"],"name":"[2/2] RUN [\"/nope\", \"x\"]"},{"digest":"sha256:adc618a7","inputs":["sha256:b18666ae"],"name":"[1/2] COPY f /"}]}`,
  String.raw`{"vertexes":[{"digest":"sha256:45afef02","inputs":["sha256:f2f51064"],"name":"[1/2] COPY f /","started":"2026-11-24T17:20:40.17903969Z","completed":"2026-11-24T17:20:40.188985802Z"},{"digest":"sha256:c11cae10","inputs":["sha256:45afef02"],"name":"[2/2] RUN [\"/nope\",   \"x\"]","started":"2026-11-24T17:20:40.191056729Z"}]}`,
  String.raw`{"vertexes":[{"digest":"sha256:c11cae10","inputs":["sha256:45afef02"],"name":"[2/2] RUN [\"/nope\",   \"x\"]","started":"2026-11-24T17:20:40.191056729Z","completed":"2026-11-24T17:20:40.307675053Z","error":"process \"/nope x\" did not complete successfully: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory"}]}`,
  'error: failed to solve: process "/nope x" did not complete successfully: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory',
];

test('a step that ran for another build is shown at the lines it has in the Dockerfile of this one', () => {
  const text = '# another\nFROM scratch AS other\nLABEL a=b\nCOPY f /\nRUN ["/nope", "x"]\n';
  const found = explain({ path: 'web/Dockerfile', text }, RECORDED);
  assert.equal(found.code, 'build/step-failed');
  assert.match(found.message, /^a step could not start: its image has no `\/nope`/);
  assert.ok(found.span !== undefined);
  assert.equal(formatPlace(found.span), 'web/Dockerfile:5:1');
  assert.equal(text.slice(found.span.start, found.span.end), 'RUN ["/nope", "x"]');
  assert.equal(found.detail, undefined, 'the lines say more than what buildctl repeats');
});

/** The line of the instruction that a step with this name stands for; undefined for none. */
function lineOf(text: string, name: string): number | undefined {
  const error = 'process "/bin/sh" did not complete successfully: exit code: 1';
  const at = '2026-01-01T00:00:00Z';
  const vertex = { digest: 'sha256:1', name, started: at, completed: at, error };
  const { span } = explain({ path: 'Dockerfile', text }, [
    JSON.stringify({ vertexes: [vertex] }),
    `error: failed to solve: ${error}`,
  ]);
  return span === undefined ? undefined : text.slice(0, span.start).split('\n').length;
}

// With the names that buildkit 0.34.2 gave to the steps of it.
const ALL_KINDS = `FROM scratch AS base
ARG WHO=you UNSET
ENV MODE="fast lane"
COPY --chmod=755 "busybox"   /bin/sh
COPY --link a.txt /$WHO/
COPY <<EOF /hey.$WHO
hello
more
EOF
workdir "/w/$MODE"
RUN echo "a\\"b" '$WHO' $WHO \${UNSET} \${UNSET:-none} $MODE \\$X   &&  echo \\
   hi
RUN --mount=type=cache,target=/c <<EOF
echo $WHO
echo two
EOF
RUN <<EOF
echo once $WHO
EOF
RUN cat <<A <<B
1
A
2
B
ONBUILD run echo on $WHO
FROM base
RUN exit 3
`;
const NAMES: readonly (readonly [name: string, line: number])[] = [
  ['[base 1/8] COPY --chmod=755 busybox   /bin/sh', 4],
  ['[base 2/8] COPY --link a.txt /you/', 5],
  ['[base 2/8] LINK COPY --link a.txt /you/', 5],
  ['[base 3/8] COPY <<EOF /hey.you', 6],
  ['[base 4/8] WORKDIR /w/fast lane', 10],
  ['[base 5/8] RUN echo "a\\"b" \'$WHO\' you ${UNSET} ${UNSET:-none} fast lane \\$X   &&  echo    hi', 11],
  ['[base 6/8] RUN --mount=type=cache,target=/c <<EOF (echo you...)', 13],
  ['[base 7/8] RUN <<EOF (echo once you)', 17],
  ['[base 8/8] RUN cat <<A <<B', 20],
  ['[stage-1 1/2] ONBUILD RUN echo on you', 25],
  ['[stage-1 2/2] RUN exit 3', 27],
];

for (const [name, line] of NAMES) {
  test(`the instruction of the step \`${name}\` is found`, () => {
    assert.equal(lineOf(ALL_KINDS, name), line);
  });
}

const REPEATED = `FROM scratch AS one
RUN update
COPY . /
RUN update
RUN test
FROM one
RUN update
FROM one AS three
RUN update
`;

test('of instructions with the same text, stage and number decide which it is', () => {
  assert.equal(lineOf(REPEATED, '[one 2/5] RUN update'), 2, 'triggers of the base count, so the end does');
  assert.equal(lineOf(REPEATED, '[one 4/5] RUN update'), 4);
  assert.equal(lineOf(REPEATED, '[linux/arm64 stage-1 1/1] RUN update'), 7);
  assert.equal(lineOf(REPEATED, '[three 1/1] RUN update'), 9);
  const single = 'FROM x\nRUN update\nCOPY . /\nRUN update\n';
  assert.equal(lineOf(single, '[2/4] RUN update'), 2);
  assert.equal(lineOf(single, '[linux/amd64->arm64 4/4] RUN update'), 4);
  const long = `FROM x\n${'RUN update\nCOPY . /\n'.repeat(6)}`;
  assert.equal(lineOf(long, '[ 2/13] RUN update'), 2);
});

test('where it is not certain which instruction it is, none is shown', () => {
  assert.equal(lineOf(REPEATED, '[other 1/1] RUN update'), undefined);
  assert.equal(lineOf(REPEATED, '[1/1] RUN update'), undefined);
  assert.equal(lineOf(REPEATED, '[one 3/5] RUN update'), undefined);
  assert.equal(lineOf(REPEATED, '[one 2/5] RUN update twice'), undefined);
  assert.equal(lineOf('FROM x\nRUN a $B c $D e\n', '[2/2] RUN a 1 e 2 c'), undefined);
  assert.equal(lineOf('FROM x\nRUN ab$B\n', '[2/2] RUN a'), undefined);
  assert.equal(lineOf('FROM x\nRUN a${B}a\n', '[2/2] RUN a'), undefined);
  assert.equal(lineOf('FROM x\nRUN exit 1\n', '[internal] load metadata for x'), undefined);
  assert.equal(lineOf('FROM x\nNONSENSE\n', '[2/2] RUN exit 1'), undefined);
});
