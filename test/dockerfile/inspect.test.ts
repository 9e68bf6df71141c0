/** Parsing problems and the facts that no build definition shows: places, named contexts, arguments, what is unknown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argumentFilter,
  type DockerfileFacts,
  type InspectOptions,
  inspectDockerfile,
  parseDockerfile,
} from '../../lib/dockerfile/mod.ts';
import { contextKey, formatPlace, type Problem, type Span } from '../../lib/model/mod.ts';

function problemsOf(text: string): readonly Problem[] {
  const parsed = parseDockerfile({ path: 'Dockerfile', text });
  return parsed.ok ? [] : parsed.error;
}

function inspect(text: string, options: Partial<InspectOptions> = {}) {
  const parsed = parseDockerfile({ path: 'Dockerfile', text });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return inspectDockerfile(parsed.value, {
    args: new Map(),
    platforms: ['linux/amd64'],
    contextNames: new Set(),
    unknownBases: 'plain',
    ...options,
  });
}

function factsOf(text: string, options: Partial<InspectOptions> = {}): DockerfileFacts {
  const facts = inspect(text, options);
  assert.ok(facts.ok, JSON.stringify(facts));
  return facts.value;
}

function textOf(span: Span): string {
  return span.source.text.slice(span.start, span.end);
}

function sourcesOf(facts: DockerfileFacts, context = 'context'): unknown {
  const reads = facts.reads.get(context);
  return reads === undefined || reads === 'all' ? reads : reads.map((read) => read.source);
}

test('problems of a file are all found at once, each at its place', () => {
  const found = problemsOf('FORM a\nFROM a b\nFROM c AS 1st\nRUNN x\nCOPY ["a", 1]\nRUN <<EOF\nno end\n');
  assert.deepEqual(
    found.map((one) => [one.code, one.span === undefined ? '' : formatPlace(one.span)]),
    [
      ['dockerfile/unknown-instruction', 'Dockerfile:1:1'],
      ['dockerfile/unknown-instruction', 'Dockerfile:4:1'],
      ['dockerfile/syntax', 'Dockerfile:5:1'],
      ['dockerfile/syntax', 'Dockerfile:6:1'],
      ['dockerfile/syntax', 'Dockerfile:2:1'],
      ['dockerfile/syntax', 'Dockerfile:3:11'],
    ],
  );
  assert.equal(found[0]?.hint, 'Did you mean FROM?');
  assert.equal(found[1]?.hint, 'Did you mean RUN?');
});

test('an empty file, a file without FROM and an instruction before it are problems', () => {
  assert.equal(problemsOf('')[0]?.code, 'dockerfile/empty');
  assert.equal(problemsOf('# only words\n\n')[0]?.code, 'dockerfile/empty');
  assert.equal(problemsOf('ARG A=1\n')[0]?.code, 'dockerfile/no-stage');
  assert.equal(problemsOf('RUN x\nFROM a\n')[0]?.code, 'dockerfile/no-stage');
  assert.equal(problemsOf('# escape=x\nFROM a\n')[0]?.code, 'dockerfile/syntax');
});

test('a target that is not there is a problem that names those that are', () => {
  const facts = inspect('FROM a AS one\nFROM b AS two\n', { target: 'three' });
  assert.ok(!facts.ok);
  assert.equal(facts.error[0]?.code, 'dockerfile/target-missing');
  assert.match(facts.error[0]?.hint ?? '', /one, two/);
});

test('a base that is blank names the argument that is not set', () => {
  const facts = inspect('ARG BASE\nFROM ${BASE}\n');
  assert.ok(!facts.ok);
  assert.equal(facts.error[0]?.code, 'dockerfile/blank-base');
  assert.match(facts.error[0]?.message ?? '', /BASE is not set/);
  assert.ok(inspect('ARG BASE\nFROM ${BASE}\n', { args: new Map([['BASE', 'a']]) }).ok);
});

test('references have places, also after continuation lines', () => {
  const facts = factsOf(
    'FROM \\\n  --platform=linux/arm64 \\\n  alpine:3\nCOPY \\\n  --from=busybox:1 /a /b\n',
  );
  assert.deepEqual(
    facts.images.map((image) => [image.written, image.platform, formatPlace(image.span), textOf(image.span)]),
    [
      ['alpine:3', 'linux/arm64', 'Dockerfile:3:3', 'alpine:3'],
      ['busybox:1', undefined, 'Dockerfile:5:3', '--from=busybox:1'],
    ],
  );
});

test('named contexts stand before stages and images, under their familiar names', () => {
  const text = [
    'FROM docker.io/library/golang:latest AS build',
    'COPY --from=docs /d /d',
    'FROM localhost:5000/app:latest AS replaced',
    'COPY no /no',
    'FROM alpine:3',
    'COPY --from=replaced /a /b',
    'RUN --mount=from=tools,source=bin,target=/t true',
    'COPY --from=build / /',
  ].join('\n');
  const facts = factsOf(text, { contextNames: new Set(['golang', 'replaced', 'docs', 'tools', 'not-used']) });
  assert.deepEqual(facts.contexts.map((use) => [use.name, use.use]).sort(), [
    ['docs', 'copy'],
    ['golang', 'from'],
    ['replaced', 'copy'],
    ['tools', 'mount'],
  ]);
  assert.deepEqual(
    facts.images.map((image) => image.written),
    ['alpine:3'],
  );
  assert.deepEqual(sourcesOf(facts, 'docs'), ['d']);
  assert.deepEqual(sourcesOf(facts, 'tools'), ['bin']);
  assert.deepEqual(sourcesOf(facts, 'golang'), 'all');
  assert.equal(facts.reads.has('context'), false);
});

test('a context for one platform counts for that platform only', () => {
  const facts = factsOf('FROM base:1\n', {
    contextNames: new Set(['base:1::linux/arm64']),
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  assert.deepEqual(
    facts.contexts.map((use) => use.name),
    ['base:1::linux/arm64'],
  );
  assert.deepEqual(
    facts.images.map((image) => image.written),
    ['base:1'],
  );
});

test('the key of a context is the familiar reference without latest', () => {
  assert.equal(contextKey('docker.io/library/foo:1.2'), 'foo:1.2');
  assert.equal(contextKey('localhost:5002/app:latest'), 'localhost:5002/app');
  assert.equal(contextKey('base'), 'base');
  assert.equal(contextKey('base:latest::linux/arm64'), 'base::linux/arm64');
});

test('only arguments that can matter are declared', () => {
  const facts = factsOf(
    'ARG A=1\nARG B=$A\nARG C=3\nFROM x:$B AS one\nARG D\nFROM y AS no\nARG E\nFROM one\nARG F=$D\n',
  );
  assert.deepEqual([...facts.declaredArgs].sort(), ['A', 'B', 'D', 'F']);
});

test('platforms are walked each by itself', () => {
  const facts = factsOf('FROM base-$TARGETARCH\nARG TARGETARCH\nCOPY bin/$TARGETARCH /\n', {
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  assert.deepEqual(
    facts.images.map((image) => image.written),
    ['base-amd64', 'base-arm64'],
  );
  assert.deepEqual(sourcesOf(facts), ['bin/amd64', 'bin/arm64']);
});

test('without a known platform what depends on it widens, and images are unknown', () => {
  const copied = factsOf('FROM scratch\nARG TARGETARCH\nCOPY bin/$TARGETARCH /\n', { platforms: [] });
  assert.deepEqual(sourcesOf(copied), 'all');
  const based = factsOf('FROM base-$BUILDARCH\n');
  assert.match(based.unknowns[0]?.text ?? '', /depends on BUILDARCH/);
  assert.equal(based.usesEnginePlatform, true);
});

test('a variable that a base image may set widens the read', () => {
  assert.deepEqual(sourcesOf(factsOf('FROM base\nCOPY $DIR/x /\n')), 'all');
  assert.deepEqual(sourcesOf(factsOf('FROM base\nARG DIR\nCOPY $DIR/x /\n')), 'all');
  assert.deepEqual(sourcesOf(factsOf('FROM base\nARG DIR=d\nCOPY $DIR/x /\n')), ['d/x']);
  const bases = new Map([['base', { env: ['DIR=e'], onbuild: [] }]]);
  assert.deepEqual(sourcesOf(factsOf('FROM base\nCOPY $DIR/x /\n', { bases })), ['e/x']);
});

test('a base whose config was not read counts the whole context, except for planning', () => {
  const strict = factsOf('FROM base\nCOPY a /\n', { unknownBases: 'whole-context' });
  assert.deepEqual(sourcesOf(strict), 'all');
  assert.deepEqual(strict.unreadBases, ['base']);
  assert.deepEqual(sourcesOf(factsOf('FROM base\nCOPY a /\n')), ['a']);
});

test('triggers run in the stage that starts from them, and not in its children', () => {
  const bases = new Map([['base', { env: [], onbuild: ['COPY one /', 'COPY --from=img:1 /x /'] }]]);
  const facts = factsOf('FROM base AS a\nONBUILD COPY two /\nFROM a AS b\nFROM b\nCOPY three /\n', { bases });
  assert.deepEqual(sourcesOf(facts), ['one', 'two', 'three']);
  assert.deepEqual(
    facts.images.map((image) => image.written),
    ['base', 'img:1'],
  );
});

test('what a result says to builds on top of it', () => {
  const facts = factsOf('FROM scratch\nARG A=1\nENV E=$A\nONBUILD COPY t /\nONBUILD RUN <<EOF\nx\nEOF\n');
  assert.deepEqual(facts.produces?.onbuild, ['COPY t /', 'RUN <<EOF\nx\nEOF']);
  assert.ok(facts.produces?.env.includes('E=1'));
  assert.equal(factsOf('FROM base\n').produces, undefined);
});

test('another frontend may read everything', () => {
  const facts = factsOf('# syntax=example.com/own:1\nthis is no Dockerfile at all\n', {
    contextNames: new Set(['x']),
  });
  assert.deepEqual(
    facts.images.map((image) => [image.written, image.use]),
    [['example.com/own:1', 'syntax']],
  );
  assert.deepEqual(sourcesOf(facts), 'all');
  assert.deepEqual(sourcesOf(facts, 'x'), 'all');
  assert.equal(facts.unknowns.length, 1);
  const override = factsOf('FROM scratch\n', { args: new Map([['BUILDKIT_SYNTAX', 'example.com/own:1']]) });
  assert.equal(override.unknowns.length, 1);
});

test('a flag that is not known makes the inputs unknown', () => {
  assert.match(factsOf('FROM scratch\nCOPY --newer=x a /\n').unknowns[0]?.text ?? '', /--newer/);
});

test('secrets, agents and ports are listed, credentials in addresses are not', () => {
  const facts = factsOf(
    [
      'FROM a',
      'RUN --mount=type=secret,id=one,required=true --mount=type=secret,target=/run/two x',
      'RUN --mount=type=ssh --mount=type=ssh,id=deploy,required x',
      'ARG P=80',
      'EXPOSE $P 53/udp 80',
      'ADD https://user:hush@example.com/x?token=hush /',
      'ADD git@example.com:a/b.git /',
    ].join('\n'),
  );
  assert.deepEqual(
    facts.secrets.map(({ id, required }) => [id, required]),
    [
      ['one', true],
      ['two', false],
    ],
  );
  assert.deepEqual(
    facts.ssh.map(({ id, required }) => [id, required]),
    [
      ['default', false],
      ['deploy', true],
    ],
  );
  assert.deepEqual(facts.ports, ['80', '53/udp']);
  assert.deepEqual(
    facts.remoteSources.map(({ kind, url }) => [kind, url]),
    [
      ['http', 'https://example.com/x'],
      ['git', 'git@example.com:a/b.git'],
    ],
  );
});

test('the text that counts has no comments, layout or unused stages', () => {
  const one = factsOf('# words\nARG X=1\nFROM a AS no\nFROM b\n# more\nCOPY a \\\n # in between\n b /x\n');
  const other = factsOf('ARG X=2\nFROM c AS no\nRUN y\nFROM b\n\nCOPY a  b /x\n');
  assert.equal(one.text.replace(/ +/g, ' '), other.text.replace(/ +/g, ' '));
  const heredoc = (body: string): string => factsOf(`FROM b\nRUN <<E\n${body}\nE\n`).text;
  assert.notEqual(heredoc('# kept'), heredoc(''));
});

test('layout and stages that nothing needs are not in the text of a file; what RUN runs is, letter by letter', () => {
  const plain = factsOf('FROM a AS x\nCOPY --link q w /\nRUN echo 1  2\nFROM b\nCOPY --from=x /q /\n').text;
  const loose = 'from   a   AS x\n  copy --link \\\n  # why\n   q    w /  \n\nRUN   echo 1  2\n';
  assert.equal(factsOf(`${loose}FROM c AS unused\nFROM b\nCOPY --from=x   /q /\n`).text, plain);
  assert.notEqual(
    factsOf('FROM a AS x\nCOPY --link q w /\nRUN echo 1 2\nFROM b\nCOPY --from=x /q /\n').text,
    plain,
  );
  // By number: the same words can mean another stage.
  const numbered = (first: string): string =>
    factsOf(`${first}FROM a AS x\nFROM b AS y\nCOPY --from=x /1 /\nFROM y\nCOPY --from=1 /2 /\n`).text;
  assert.notEqual(numbered(''), numbered('FROM z AS unused\n'));
  const mounted = (first: string): string =>
    factsOf(`${first}FROM x\nRUN a\nFROM y\nRUN --mount=from="0",target=/a b\n`).text;
  assert.notEqual(mounted(''), mounted('FROM z AS unused\n'));
  // A registry's address is not a number.
  const addressed = (first: string): string =>
    factsOf(`${first}FROM x\nCOPY --from=127.0.0.1:5000/a:1 /a /\nRUN --mount=from=10.0.0.1/b,target=/b b\n`)
      .text;
  assert.equal(addressed(''), addressed('FROM z AS unused\n'));
});

test('where warnings fail the build, the whole file counts', () => {
  const file = (check: string, more: string): string =>
    factsOf(`# check=${check}\nFROM a AS unused\n${more}FROM b\nCOPY x /\n`).text;
  assert.equal(file('skip=all', ''), file('skip=JSONArgsRecommended', 'CMD echo\n'));
  assert.notEqual(file('skip=all', ''), file('error=true', ''));
  assert.notEqual(file('error=true', ''), file('error=true', 'CMD echo\n'));
});

test('SOURCE_DATE_EPOCH counts though no stage declares it', () => {
  const file = (head: string): DockerfileFacts => factsOf(`${head}FROM a\nCOPY x /\n`);
  const one = file('ARG SOURCE_DATE_EPOCH=1\n');
  assert.notEqual(one.text, file('ARG SOURCE_DATE_EPOCH=2\n').text);
  assert.deepEqual(one.unknowns, []);
  assert.notEqual(
    file('ARG DAY=1\nARG SOURCE_DATE_EPOCH=$DAY\n').text,
    file('ARG DAY=2\nARG SOURCE_DATE_EPOCH=$DAY\n').text,
  );
  assert.deepEqual(file('ARG SOURCE_DATE_EPOCH=context\n').unknowns, [
    { kind: 'epoch', text: 'SOURCE_DATE_EPOCH is taken from context' },
  ]);
  assert.equal(file('').text, file('ARG OTHER=1\n').text);
});

test('an argument that makes a difference to what is read never counts as one that only steps use', () => {
  const names = ['A', 'B', 'C', 'DIR', 'SOURCE_DATE_EPOCH', 'BUILDKIT_SYNTAX', 'TARGETARCH', 'BUILDPLATFORM'];
  const values = ['', 'a', 'b', 'linux/arm64', '0', 'context'];
  const files: readonly string[] = [
    'ARG A\nFROM base-$A\nRUN echo $B\n',
    'ARG A=x\nARG B=${A}-y\nFROM ${B:-z} AS one\nFROM --platform=$C one\nCOPY . /\n',
    'FROM scratch\nARG A\nENV B=$A\nCOPY $B /\n',
    'FROM scratch\nARG A=d\nARG B="${A:+e}"\nCOPY ["${B}", "/x/"]\n',
    'FROM base\nARG DIR\nRUN --mount=type=bind,source=$DIR,target=/x echo $A ${B}\n',
    'FROM base\nARG A\nRUN --mount=from=x$A,target=/x true\nRUN --mount=type=secret,id=$B true\n',
    'FROM scratch\nARG A\nADD --checksum=$A https://h.example/$B /x\nEXPOSE $C\n',
    'FROM scratch\nARG A\nCOPY --from=stage$A x$B /\nCOPY --exclude=$C . /\n',
    'FROM scratch AS a\nONBUILD COPY $A /\nFROM a\n',
    'FROM scratch\nARG A\nCOPY <<E /h\n$A\nE\nWORKDIR /$B\nCOPY y$TARGETARCH z /\n',
    'FROM scratch\nARG TARGETARCH\nARG BUILDPLATFORM\nCOPY $TARGETARCH $BUILDPLATFORM /\n',
  ];
  let differences = 0;
  for (const text of files) {
    const parsed = parseDockerfile({ path: 'Dockerfile', text });
    assert.ok(parsed.ok);
    const counts = argumentFilter(parsed.value);
    const factsWith = (args: ReadonlyMap<string, string>): string => {
      const facts = inspect(text, { args });
      return JSON.stringify(facts, (_, value) =>
        value instanceof Map || value instanceof Set ? [...value] : value,
      );
    };
    for (const name of names) {
      const seen = new Set<string>();
      // Whether it is given is known in any case; its value is in question.
      for (const value of values) seen.add(factsWith(new Map([[name, value]])));
      if (seen.size === 1) continue;
      differences += 1;
      assert.ok(counts(name), `${name} makes a difference in\n${text}`);
    }
  }
  assert.ok(differences >= 15, `only ${differences} differences were seen`);
  const plain = parseDockerfile({ path: 'Dockerfile', text: files[0] ?? '' });
  assert.ok(plain.ok);
  assert.equal(argumentFilter(plain.value)('B'), false, 'what only RUN uses does not count');
});

test('what the config of a target comes from is the start of its chain, where it is surely of its platform', () => {
  const baseOf = (text: string, options: Partial<InspectOptions> = {}) =>
    factsOf(text, { contextNames: new Set(['base', 'tools', 'two']), ...options }).targetBase;
  assert.deepEqual(baseOf('FROM base\n'), { kind: 'context', name: 'base' });
  assert.deepEqual(baseOf('FROM base AS a\nFROM tools AS b\nFROM a\nCOPY --from=b / /\n'), {
    kind: 'context',
    name: 'base',
  });
  assert.deepEqual(baseOf('FROM base AS a\nFROM scratch\nCOPY --from=a / /\n'), {
    kind: 'scratch',
    name: 'scratch',
  });
  assert.deepEqual(baseOf('ARG B=ase\nFROM b$B AS a\nFROM tools\n', { target: 'a' }), {
    kind: 'context',
    name: 'base',
  });
  assert.deepEqual(baseOf('FROM alpine:3\nCOPY --from=base / /\n'), { kind: 'image', name: 'alpine:3' });
  assert.deepEqual(baseOf('FROM --platform=$TARGETPLATFORM base\n'), { kind: 'context', name: 'base' });
  assert.equal(baseOf('FROM --platform=linux/arm64 base\n'), undefined);
  assert.equal(baseOf('FROM --platform=linux/arm64 base AS a\nFROM a\n'), undefined);
  assert.equal(baseOf('FROM --platform=$BUILDPLATFORM base\n'), undefined);
  // A context in the place of a stage.
  assert.equal(baseOf('FROM alpine AS two\nFROM two\n'), undefined);
  // Platforms that do not agree.
  const text = 'ARG TARGETARCH\nFROM base AS amd64\nFROM tools AS arm64\nFROM $TARGETARCH\n';
  assert.equal(baseOf(text, { platforms: ['linux/amd64', 'linux/arm64'] }), undefined);
  assert.deepEqual(baseOf(text, { platforms: ['linux/arm64'] }), { kind: 'context', name: 'tools' });
});
