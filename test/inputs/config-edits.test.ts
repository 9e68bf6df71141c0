/** Edits of a Dockerfile that only a config sees: which are told apart, and what becomes of the config. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyConfigEdits, findConfigEdits } from '../../lib/inputs/config-edits.ts';

const HEAD = '# stage 0 (target)\nFROM base\nRUN make\n';
const NO_LABELS = { before: new Map<string, string>(), after: new Map<string, string>() };

const entriesOf = (before: string, after: string) =>
  findConfigEdits(HEAD + before, HEAD + after)?.map((edit) => [edit.before.entry, edit.after.entry]);

test('LABEL and CMD in their plain forms, as the engine notes them', () => {
  assert.deepEqual(entriesOf('LABEL a=1\n', 'LABEL a=1\n'), []);
  assert.deepEqual(entriesOf('LABEL a=1 b="c d"\n', 'LABEL a=2  b="c  d" \n'), [
    ['LABEL a=1 b=c d', 'LABEL a=2 b=c  d'],
  ]);
  assert.deepEqual(entriesOf('LABEL a=x=y;z e=""\n', 'LABEL a="=" e="#%&<>\'"\n'), [
    ['LABEL a=x=y;z e=', "LABEL a== e=#%&<>'"],
  ]);
  assert.deepEqual(entriesOf('CMD ["sh"]\n', 'CMD [ "sh", "-c","a b" ]\n'), [
    ['CMD ["sh"]', 'CMD ["sh" "-c" "a b"]'],
  ]);
  assert.deepEqual(entriesOf('LABEL a=1\nUSER me\nCMD ["a"]\n', 'LABEL a=2\nUSER me\nCMD ["b"]\n'), [
    ['LABEL a=1', 'LABEL a=2'],
    ['CMD ["a"]', 'CMD ["b"]'],
  ]);
});

test('what else a stage says does not matter, nor how an edit is written', () => {
  const label = ['LABEL a=1', 'LABEL a=2'];
  const command = ['CMD ["a"]', 'CMD ["b"]'];
  const beside = (line: string, one: readonly string[]) =>
    entriesOf(...(one.map((edit) => `${line}\n${edit}\n`) as [string, string]));
  for (const line of ['RUN echo LABEL a=0', 'RUN printf "\\n"', 'RUN echo "# stage 2"'])
    assert.deepEqual(beside(line, label), [label], line);
  for (const line of ['RUN echo CMD', 'LABEL b=$B', 'LABEL a=1\nLABEL a=2'])
    assert.deepEqual(beside(line, command), [command], line);
  assert.deepEqual(entriesOf('LABEL org.example.name=1\n', 'LABEL org.example.name="2"\n'), [
    ['LABEL org.example.name=1', 'LABEL org.example.name=2'],
  ]);
  assert.deepEqual(entriesOf('CMD ["a"]\n', 'CMD \t["a", ""] \n'), [['CMD ["a"]', 'CMD ["a" ""]']]);
});

/** Told apart from an edit of which the config follows: each is left to the engine. */
const LEFT: readonly (readonly [what: string, before: string, after: string])[] = [
  ['a line more', 'LABEL a=1\n', 'LABEL a=1\nLABEL b=1\n'],
  ['another instruction', 'ENV A=1\n', 'ENV A=2\n'],
  ['a step', 'RUN a\n', 'RUN b\n'],
  ['another instruction in its place', 'LABEL a=1\n', 'CMD ["a"]\n'],
  ['a variable', 'LABEL a=1\n', 'LABEL a=$A\n'],
  ['a variable in quotes', 'LABEL a="1"\n', 'LABEL a="$A"\n'],
  ['an escape', 'LABEL a=1\n', 'LABEL a=\\1\n'],
  ['single quotes', 'LABEL a=1\n', "LABEL a='1 2'\n"],
  ['quotes within a word', 'LABEL a=1\n', 'LABEL a=b"c"\n'],
  ['the old form', 'LABEL a 1\n', 'LABEL a 2\n'],
  ['letters beyond ASCII', 'LABEL a=1\n', 'LABEL a=ü\n'],
  ['a label twice in one line', 'LABEL a=1\n', 'LABEL a=2 a=3\n'],
  ['a label that another line has, too', 'LABEL a=1\nLABEL a=3\n', 'LABEL a=2\nLABEL a=3\n'],
  ['another line whose labels are not known', 'LABEL a=1\nLABEL b=$B\n', 'LABEL a=2\nLABEL b=$B\n'],
  ['lowercase', 'label a=1\n', 'label a=2\n'],
  ['a command of the shell', 'CMD a\n', 'CMD b\n'],
  ['from a list to a command of the shell', 'CMD ["a"]\n', 'CMD b\n'],
  ['an empty command', 'CMD ["a"]\n', 'CMD []\n'],
  ['no list of texts', 'CMD ["a"]\n', 'CMD [1]\n'],
  ['quotes in a command', 'CMD ["a"]\n', 'CMD ["a\\"b"]\n'],
  ['two commands', 'CMD ["a"]\nCMD ["b"]\n', 'CMD ["c"]\nCMD ["b"]\n'],
  ['a line that goes on', 'RUN a \\\nLABEL a=1\n', 'RUN a \\\nLABEL a=2\n'],
  ['a line that goes on after a space', 'RUN a \\ \nLABEL a=1\n', 'RUN a \\ \nLABEL a=2\n'],
  ['lines that come after an edit', 'LABEL a=1', 'LABEL a=2\nUSER me'],
  ['a word beyond ASCII in a command', 'CMD ["a", "b"]\n', 'CMD ["a", "ü"]\n'],
  ['a number in a command', 'CMD ["a", "b"]\n', 'CMD ["a", 1]\n'],
  ['a second command in lowercase', 'CMD ["a"]\ncmd ["b"]\n', 'CMD ["c"]\ncmd ["b"]\n'],
  ['a second command that is indented', 'CMD ["a"]\n  CMD ["b"]\n', 'CMD ["c"]\n  CMD ["b"]\n'],
  ['the same label in lowercase', 'LABEL a=1\nlabel a=3\n', 'LABEL a=2\nlabel a=3\n'],
  ['the same label in an indented line', 'LABEL a=1\n  LABEL a=3\n', 'LABEL a=2\n  LABEL a=3\n'],
  ['a label that another line has now', 'LABEL a=1\nLABEL b=1\n', 'LABEL a=1\nLABEL a=2\n'],
  [
    'a label that another line has, beside a command',
    'LABEL a=1\nLABEL a=3\nCMD ["a"]\n',
    'LABEL a=2\nLABEL a=3\nCMD ["b"]\n',
  ],
  ['a label for what is based on it', 'ONBUILD LABEL a=1\n', 'ONBUILD LABEL a=2\n'],
  ['a command for what is based on it', 'ONBUILD CMD ["a"]\n', 'ONBUILD CMD ["b"]\n'],
  ['a command of a health check', 'HEALTHCHECK CMD ["a"]\n', 'HEALTHCHECK CMD ["b"]\n'],
  ['something behind a command', 'CMD ["a"]\n', 'CMD ["a"] b\n'],
  ['the text of a file', 'COPY <<E /f\nLABEL a=1\nE\n', 'COPY <<E /f\nLABEL a=2\nE\n'],
];

for (const [what, before, after] of LEFT) {
  test(`left to the engine: ${what}`, () => {
    assert.equal(findConfigEdits(HEAD + before, HEAD + after), undefined);
  });
}

test('only the target stage, and only it, writes the config', () => {
  const stages = (first: string, target: string) =>
    `# stage 0\nFROM base AS first\nLABEL a=${first}\n# stage 1 (target)\nFROM first\nLABEL b=${target}\n`;
  assert.equal(findConfigEdits(stages('1', '1'), stages('2', '1')), undefined);
  assert.equal(findConfigEdits(stages('1', '1'), stages('1', '2'))?.length, 1);
  const reversed = (target: string, other: string) =>
    `# stage 0 (target)\nFROM base\nLABEL a=${target}\n# stage 1\nFROM base AS other\nLABEL a=${other}\n`;
  assert.equal(findConfigEdits(reversed('1', '1'), reversed('1', '2')), undefined);
  assert.equal(findConfigEdits(reversed('1', '1'), reversed('2', '1'))?.length, 1);
  const many = (label: string) => `# stage 12 (target)\nFROM base\nLABEL a=${label}\n`;
  assert.equal(findConfigEdits(many('1'), many('2'))?.length, 1);
  const quoting = (label: string) =>
    `# stage 0\nFROM base AS first\nRUN echo # stage 1 (target)\nLABEL a=${label}\n# stage 1 (target)\nFROM first\n`;
  assert.equal(findConfigEdits(quoting('1'), quoting('2')), undefined);
  assert.equal(findConfigEdits('FROM base\nLABEL a=1\n', 'FROM base\nLABEL a=2\n'), undefined);
});

const TIME = '2026-01-01T00:00:00Z';
const entry = (created_by: string) =>
  `{"created":"${TIME}","created_by":"${created_by.replaceAll('"', '\\"')}","comment":"buildkit.dockerfile.v0","empty_layer":true}`;

/** A config as the engine writes it. */
const configOf = (config: string, ...entries: readonly string[]) =>
  `{"architecture":"amd64","config":{${config}},"created":"${TIME}","history":[${entries.map(entry).join(',')}],"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`;

function applied(config: string, before: string, after: string, given = NO_LABELS): string | undefined {
  const edits = findConfigEdits(HEAD + before, HEAD + after);
  assert(edits !== undefined && edits.length > 0);
  return applyConfigEdits(config, edits, given);
}

test('the config gets the new labels, the new command, and both in its history', () => {
  const config = configOf(
    '"Cmd":["sh"],"Labels":{"a":"1","z":"base"}',
    'RUN make',
    'LABEL a=1',
    'CMD ["sh"]',
  );
  assert.equal(
    applied(config, 'LABEL a=1\nCMD ["sh"]\n', 'LABEL a=2 b="<"\nCMD ["ash","-l"]\n'),
    configOf(
      '"Cmd":["ash","-l"],"Labels":{"a":"2","b":"\\u003c","z":"base"}',
      'RUN make',
      'LABEL a=2 b=\\u003c',
      'CMD ["ash" "-l"]',
    ),
  );
});

test('a config that does not say what the edits were before is left to the engine', () => {
  const edit = ['LABEL a=1\n', 'LABEL a=2\n'] as const;
  assert.notEqual(applied(configOf('"Labels":{"a":"1"}', 'LABEL a=1'), ...edit), undefined);
  assert.equal(applied(configOf('"Labels":{"a":"0"}', 'LABEL a=1'), ...edit), undefined);
  assert.equal(applied(configOf('"Labels":{"a":"1"}', 'LABEL a=0'), ...edit), undefined);
  // One of them may be of the base.
  assert.equal(applied(configOf('"Labels":{"a":"1"}', 'LABEL a=1', 'LABEL a=1'), ...edit), undefined);
  assert.equal(applied('{}', ...edit), undefined);
  const command = ['CMD ["a"]\n', 'CMD ["b"]\n'] as const;
  assert.equal(applied(configOf('"Cmd":["x"]', 'CMD ["a"]'), ...command), undefined);
});

test('what stands below a label that goes is not known, nor what one is that is given to the build', () => {
  const config = configOf('"Labels":{"a":"1","b":"1"}', 'LABEL a=1 b=1');
  assert.equal(applied(config, 'LABEL a=1 b=1\n', 'LABEL a=2\n'), undefined);
  const given = { before: new Map(), after: new Map([['a', 'x']]) };
  assert.equal(applied(config, 'LABEL a=1 b=1\n', 'LABEL a=2 b=1\n', given), undefined);
  const gone = { before: new Map([['b', '1']]), after: new Map() };
  assert.equal(applied(config, 'LABEL a=1 b=1\n', 'LABEL a=2 b=1\n', gone), undefined);
});

test('the text of a file in another stage is no stage and no instruction', () => {
  const text = (value: string) =>
    `# stage 0\nFROM base AS first\nCOPY <<E /f\n# stage 1 (target)\nLABEL a=${value}\nE\n# stage 1 (target)\nFROM first\nLABEL a=1\n`;
  assert.equal(findConfigEdits(text('1'), text('2')), undefined);
});
