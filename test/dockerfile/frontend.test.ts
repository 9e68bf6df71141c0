/**
 * Our reading of Dockerfiles against the real frontend's: the images it resolves and the context paths it asks for
 * (from the build definition it makes) must be the ones we found.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type BaseConfig, inspectDockerfile, parseDockerfile } from '../../lib/dockerfile/mod.ts';
import { buildctlBuild, realSources } from '../rig/buildkit.ts';
import { realEngine, startTestRegistry } from '../rig/real-engine.ts';
import { makeTempDir } from '../rig/temp.ts';

interface Case {
  readonly name: string;
  readonly dockerfile: string;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
}

const PLAIN = 'REG/plain:1';

const CASES: readonly Case[] = [
  { name: 'paths of COPY and ADD', dockerfile: 'FROM scratch\nCOPY a ./b/../c d/ /x/\nADD e.tar /\n' },
  { name: 'the whole context', dockerfile: 'FROM scratch\nCOPY a /\nCOPY . /x\n' },
  { name: 'wildcards', dockerfile: 'FROM scratch\nCOPY src/*.c lib/[ab]?/x /x/\n' },
  { name: 'JSON form with blanks', dockerfile: 'FROM scratch\nCOPY ["a b", "c", "/x/"]\n' },
  { name: 'an unreachable stage', dockerfile: `FROM ${PLAIN} AS no\nCOPY no /\nFROM scratch\nCOPY yes /\n` },
  {
    name: 'a target in the middle',
    dockerfile: 'FROM scratch AS one\nCOPY a /\nFROM one AS two\nCOPY b /\nFROM two\nCOPY c /\n',
    target: 'TWO',
  },
  {
    name: 'COPY --from by index and name',
    dockerfile: `FROM scratch AS One\nCOPY a /\nFROM scratch AS two\nCOPY b /\nFROM scratch\nCOPY --from=0 /a /\nCOPY --from=TWO /b /\n`,
  },
  { name: 'an image in COPY --from', dockerfile: `FROM scratch\nCOPY --from=${PLAIN} /f /\n` },
  {
    name: 'arguments of the head, defaults and modifiers',
    dockerfile: [
      'ARG NAME=plainly',
      'ARG SHORT=${NAME%ly}',
      'ARG FULL=REG/${SHORT}',
      'FROM ${FULL}:${TAG:-1}',
      'ARG V=1.2.3',
      'ARG UNSET',
      'COPY ${V%%.*} ${V#*.} ${V/2/two} ${UNSET:+no}${UNSET:-yes} /x/',
    ].join('\n'),
  },
  {
    name: 'build arguments',
    dockerfile: 'ARG WHERE=a\nFROM scratch\nARG WHERE\nARG OTHER=b\nCOPY $WHERE ${OTHER}/f "$WHERE"/g /x/\n',
    args: { WHERE: 'c', OTHER: 'd', NOBODY: 'e' },
  },
  {
    name: 'ENV over ARG and in order',
    dockerfile:
      'FROM scratch\nARG A=1\nENV A=2 B=$A\nCOPY $A $B /x/\nARG A=3\nCOPY x$A /y\nENV OLD some words\nCOPY ["$OLD", "/z"]\n',
  },
  {
    name: 'arguments seen by a child stage',
    dockerfile: 'FROM scratch AS base\nARG A=1\nENV E=2\nARG E=3\nFROM base\nCOPY a$A e$E /x/\n',
  },
  {
    name: 'continuations, comments between them, empty lines and tabs',
    dockerfile: 'FROM scratch\nCOPY \\\n# not b\n  a \\\n\n\t c\\\n.txt /x/\n',
  },
  { name: 'backtick as escape', dockerfile: '# escape=`\nFROM scratch\nCOPY a `\n  b\\c /x/\n' },
  { name: 'a byte order mark and CRLF', dockerfile: '\uFEFFFROM scratch\r\nCOPY a \\\r\n  b /x/\r\n' },
  {
    name: 'heredocs are not paths and hide instructions',
    dockerfile: 'FROM scratch\nCOPY <<one <<-"TWO" a /x/\nCOPY no /\none\n\tCOPY no /\n\tTWO\nCOPY b /\n',
  },
  {
    name: 'RUN with bind mounts',
    dockerfile: `FROM ${PLAIN}\nARG D=dir\nRUN --mount=type=bind,source=$D/x,target=/a --mount="target=/b,src=y" --mount=type=cache,target=/c true\n`,
  },
  {
    name: 'RUN with mounts from elsewhere',
    dockerfile: `FROM scratch AS one\nCOPY a /\nFROM ${PLAIN}\nRUN --mount=from=one,target=/a --mount=from=REG/env:1,target=/b --mount=type=cache,from=REG/other:1,target=/c true\n`,
  },
  { name: 'RUN with a whole context', dockerfile: `FROM ${PLAIN}\nRUN --mount=target=/src true\n` },
  {
    name: '--exclude and --parents',
    dockerfile: 'FROM scratch\nCOPY --parents a/./b/*.c d/e /x/\nCOPY --exclude=*.o f /y/\n',
  },
  { name: 'variables of a base image', dockerfile: 'FROM REG/env:1\nCOPY $DIR/a ${NONE:-b} /x/\n' },
  {
    name: 'variables of a base image above an argument',
    dockerfile: 'FROM REG/env:1\nARG DIR\nCOPY $DIR/a /x/\n',
  },
  { name: 'triggers of a base image', dockerfile: 'FROM REG/onbuild:1\nCOPY b /x/\n' },
  {
    name: 'triggers of a stage',
    dockerfile: 'FROM scratch AS base\nONBUILD COPY trig /t\nFROM base\nCOPY b /x/\n',
  },
  {
    name: 'a platform in paths',
    dockerfile:
      'FROM scratch\nARG TARGETARCH\nARG TARGETPLATFORM\nCOPY bin/$TARGETARCH x/$TARGETPLATFORM /x/\n',
  },
  {
    name: 'the stage as argument',
    dockerfile: 'FROM scratch AS last\nARG TARGETSTAGE\nCOPY $TARGETSTAGE /\n',
  },
  {
    name: 'ADD from git and http',
    dockerfile:
      'FROM scratch\nADD https://h.example/a.tgz https://h.example/r.git#v1 github.com/a/b a:b /x/\n',
  },
  { name: 'quotes and escapes in paths', dockerfile: `FROM scratch\nCOPY a\\ b 'c'"d" e\\$f /x/\n` },
  { name: 'a named context that is not there', dockerfile: 'FROM scratch\nCOPY ctx /x\n' },
];

test('images and context paths are those the real frontend asks for', {
  skip: realEngine.skip,
}, async (t) => {
  const dir = await makeTempDir(t);
  const registry = await startTestRegistry(t);
  const bases = new Map<string, BaseConfig>();
  const images: Readonly<Record<string, string>> = {
    plain: 'COPY f /f',
    other: 'COPY f /g',
    env: 'COPY f /h\nENV DIR=sub',
    onbuild: 'COPY f /i\nONBUILD COPY trig /t\nONBUILD ADD more* /m/',
  };
  await writeFile(path.join(dir, 'f'), 'f');
  for (const [name, text] of Object.entries(images)) {
    await writeFile(path.join(dir, 'Dockerfile'), `FROM scratch\n${text}\n`);
    const ref = `${registry.host}/${name}:1`;
    const built = await buildctlBuild(dir, dir, [`--output=type=image,name=${ref},push=true,store=false`]);
    assert.equal(built.code, 0, built.stderr);
    const lines = text.split('\n').slice(1);
    bases.set(ref, {
      env: lines.filter((line) => line.startsWith('ENV ')).map((line) => line.slice(4)),
      onbuild: lines.filter((line) => line.startsWith('ONBUILD ')).map((line) => line.slice(8)),
    });
  }
  for (const one of CASES) {
    await t.test(one.name, async (t) => {
      const own = await makeTempDir(t);
      const text = one.dockerfile.replaceAll('REG', registry.host);
      await mkdir(path.join(own, 'ctx'));
      await writeFile(path.join(own, 'Dockerfile'), text);
      const args = Object.entries(one.args ?? {});
      const real = await realSources(path.join(own, 'ctx'), own, [
        '--opt=platform=linux/amd64',
        ...(one.target === undefined ? [] : [`--opt=target=${one.target}`]),
        ...args.map(([name, value]) => `--opt=build-arg:${name}=${value}`),
      ]);
      assert.ok(!('error' in real), JSON.stringify(real));
      const parsed = parseDockerfile({ path: 'Dockerfile', text });
      assert.ok(parsed.ok, JSON.stringify(parsed));
      const facts = inspectDockerfile(parsed.value, {
        args: new Map(args),
        platforms: ['linux/amd64'],
        enginePlatform: 'linux/amd64',
        contextNames: new Set(),
        bases,
        ...(one.target === undefined ? {} : { target: one.target }),
      });
      assert.ok(facts.ok, JSON.stringify(facts));
      const ours = [...new Set(facts.value.images.map((image) => image.written))].sort();
      assert.deepEqual(ours, real.images, 'images');
      const reads = facts.value.reads.get('context');
      const paths =
        reads === undefined || reads === 'all'
          ? reads
          : [...new Set(reads.map((read) => path.posix.join(read.source, read.include[0] ?? '.')))].sort();
      assert.deepEqual(paths?.includes('.') === true ? 'all' : paths, real.followPaths, 'paths');
      assert.equal(facts.value.remoteSources.length, real.remotes.length, 'remote sources');
      assert.deepEqual(facts.value.unreadBases, []);
      assert.deepEqual(facts.value.unknowns, []);
    });
  }
});
