/**
 * A repository with most of what a Dockerfile can read, described so that a plain `buildctl` can be called for each build
 * without anything of ours: the mutation test edits it and compares.
 */
import { readFile } from 'node:fs/promises';
import type { TreeEntry } from './temp.ts';

/** One build, as it is written to builds.yaml and as the oracle reads it. */
export interface MutableBuild {
  readonly name: string;
  context: string;
  /** File relative to the root; undefined: `Dockerfile` of the context. */
  dockerfile?: string;
  inline?: string;
  target?: string;
  /** A value `$EXTRA` stands for the variable of that name. */
  args: Record<string, string>;
  labels: Record<string, string>;
  /** Named context → `build:NAME` or a directory relative to the root. */
  contexts: Record<string, string>;
  /** Builds that the Dockerfile names by their tag: reference → build. */
  readonly byTag: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  platforms: readonly string[];
  description?: string;
}

/** What the edits work on besides the files. */
export interface MutableSet {
  readonly host: string;
  builds: MutableBuild[];
  /** Value of the variable EXTRA. */
  extra: string;
}

/** The outside base that builds stand on, and the tags that it is moved between. */
export const OUTSIDE = { repository: 'ext/base', tag: 'stable', variants: ['v1', 'v2', 'v3', 'v4'] } as const;

/** Directories that are contexts, relative to the root. */
export const CONTEXTS: readonly string[] = [
  'base',
  'tools',
  'triggers',
  'child',
  'outside',
  'svc',
  'shared',
  'inline',
  'bundle',
  'archive',
  'swap',
];

/** Builds and variables as they are at first. */
export function initialSet(host: string): MutableSet {
  const one = (name: string, context: string, more: Partial<MutableBuild> = {}): MutableBuild => ({
    name,
    context,
    args: {},
    labels: {},
    contexts: {},
    byTag: {},
    tags: [`${host}/mut/${name}:1`],
    platforms: [],
    ...more,
  });
  const service = (flavor: string, level: string): MutableBuild =>
    one(`svc-${flavor}-${level}`, 'svc', {
      contexts: { tools: 'build:tools' },
      args: { FLAVOR: flavor, LEVEL: level, EXTRA: '$EXTRA', UNDECLARED: 'u1' },
    });
  return {
    host,
    extra: 'none',
    builds: [
      one('base', 'base', { contexts: { busybox: 'bin' } }),
      one('tools', 'tools', { contexts: { base: 'build:base' }, target: 'final', args: { GLOBAL: 'g1' } }),
      one('triggers', 'triggers', { contexts: { base: 'build:base' } }),
      one('child', 'child', { contexts: { triggers: 'build:triggers' } }),
      one('outside', 'outside', { labels: { team: 'one' } }),
      service('a', 'low'),
      service('b', 'high'),
      one('site', 'shared', { byTag: { [`${host}/mut/tools:1`]: 'tools' } }),
      one('second', 'shared', {
        dockerfile: 'dockerfiles/second.Dockerfile',
        contexts: { base: 'build:base' },
      }),
      one('inline', 'inline', {
        contexts: { base: 'build:base' },
        inline: [
          'FROM base',
          'WORKDIR /srv/app',
          'COPY <<EOF /srv/app/config',
          'level=1',
          'EOF',
          'COPY in.txt ./',
          'RUN <<EOF',
          'cat in.txt config > both',
          'chmod 644 both',
          'EOF',
          'USER 1000:1000',
          '',
        ].join('\n'),
        tags: [`${host}/mut/inline:1`, `${host}/other/inline:1`],
        labels: { kind: 'inline' },
        platforms: ['linux/amd64'],
      }),
      one('bundle', 'bundle', { contexts: { left: 'build:svc-a-low', right: 'build:svc-b-high' } }),
      one('archive', 'archive', { contexts: { base: 'build:base', extra: 'swap' } }),
    ],
  };
}

/** builds.yaml (JSON is YAML). */
export function buildsFile(set: MutableSet): string {
  const builds: Record<string, unknown> = {};
  for (const one of set.builds) {
    const rows = Object.entries(one.args).map(([key, value]) => [
      key,
      value === '$EXTRA' ? '${{ vars.EXTRA }}' : value,
    ]);
    builds[one.name] = {
      context: one.context,
      ...(one.dockerfile === undefined ? {} : { dockerfile: pathFrom(one.context, one.dockerfile) }),
      ...(one.inline === undefined ? {} : { 'dockerfile-inline': one.inline }),
      ...(one.target === undefined ? {} : { target: one.target }),
      ...(one.description === undefined ? {} : { description: one.description }),
      ...(one.platforms.length === 0 ? {} : { platforms: one.platforms }),
      args: Object.fromEntries(rows),
      labels: one.labels,
      contexts: one.contexts,
      tags: one.tags,
      push: true,
    };
  }
  return `${JSON.stringify({ vars: { EXTRA: { default: 'none', env: ['EXTRA'] } }, builds }, undefined, 2)}\n`;
}

function pathFrom(context: string, file: string): string {
  return `${context
    .split('/')
    .map(() => '..')
    .join('/')}/${file}`;
}

/** The Dockerfile of a build, relative to the root; undefined for one in builds.yaml. */
export function dockerfileOf(build: MutableBuild): string | undefined {
  return build.inline !== undefined ? undefined : (build.dockerfile ?? `${build.context}/Dockerfile`);
}

/** All files at first, builds.yaml excepted. */
export async function initialTree(host: string, busybox: string): Promise<Record<string, TreeEntry>> {
  return {
    'bin/busybox': { content: await readFile(busybox), mode: 0o755 },
    'bin/.dockerignore': 'junk\n',
    'bin/junk': 'junk\n',
    'base/Dockerfile': [
      'FROM scratch',
      'ENV PATH=/bin',
      'COPY --from=busybox busybox /bin/busybox',
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
      'COPY etc/ /etc/',
      '',
    ].join('\n'),
    'base/etc/motd': 'welcome\n',
    'base/etc/conf.d/one.conf': 'one=1\n',
    'base/etc/spool/': '',
    'base/unread.txt': 'not read\n',
    'tools/Dockerfile': [
      '# check=skip=all',
      'ARG GLOBAL=g0',
      'ARG UNUSED=u0',
      'FROM base AS build',
      'ARG GLOBAL',
      'ARG LOCAL=l0',
      'RUN --mount=type=bind,source=in,target=/in cat /in/list > /list.txt && echo "$GLOBAL $LOCAL" >> /list.txt',
      'FROM base AS dev',
      'COPY dev.txt /',
      'FROM base AS final',
      'COPY --from=build /list.txt /tools.txt',
      'RUN --mount=type=bind,from=build,target=/b wc -c < /b/list.txt > /size.txt',
      '',
    ].join('\n'),
    'tools/in/list': 'hammer\n',
    'tools/in/deep/er/nail': 'nail\n',
    'tools/dev.txt': 'for dev\n',
    'triggers/Dockerfile': [
      'FROM base',
      'ENV APP=app',
      'ONBUILD COPY $APP/ /app/',
      'ONBUILD RUN ls -R /app > /app.list',
      'COPY own /own',
      '',
    ].join('\n'),
    'triggers/own': 'own\n',
    'child/Dockerfile': 'FROM triggers\nCOPY more.txt /\n',
    'child/app/main': { content: '#!/bin/sh\necho main\n', mode: 0o755 },
    'child/app/lib/': '',
    'child/more.txt': 'more\n',
    'child/unread/notes': 'notes\n',
    'outside/Dockerfile': `FROM ${host}/${OUTSIDE.repository}:${OUTSIDE.tag}\nARG HTTP_PROXY\nCOPY . /o/\nRUN find /o | sort > /o.list\n`,
    'outside/.dockerignore': '# left out\n*.log\n!keep.log\nnode_modules\ndocs/*\n!docs/README.md\n**/tmp\n',
    'outside/main.c': 'int main;\n',
    'outside/debug.log': 'noise\n',
    'outside/keep.log': 'keep\n',
    'outside/node_modules/pkg/index.js': 'js\n',
    'outside/docs/README.md': 'readme\n',
    'outside/docs/other.md': 'other\n',
    'outside/src/tmp/x': 'x\n',
    'outside/src/a.c': 'a\n',
    'outside/src/link': { symlink: 'a.c' },
    'outside/src/dangling': { symlink: 'nowhere' },
    'outside/up': { symlink: 'src' },
    'svc/Dockerfile': [
      'FROM tools',
      'ARG FLAVOR',
      'ARG LEVEL=none',
      'ARG EXTRA',
      'RUN echo "$FLAVOR $LEVEL $EXTRA" > /svc.txt',
      'COPY app/$FLAVOR*.txt /app/',
      '',
    ].join('\n'),
    'svc/app/a.txt': 'app a\n',
    'svc/app/b.txt': 'app b\n',
    'svc/app/c.txt': 'app c\n',
    'shared/Dockerfile': [
      `FROM ${host}/${OUTSIDE.repository}:v1`,
      `COPY --from=${host}/mut/tools:1 /tools.txt /size.txt /site/`,
      'COPY *.html page?.css /site/',
      'COPY --exclude=*.tmp --chmod=750 assets /site/assets/',
      'COPY --parents src/*/lib ./deep /site/p/',
      'COPY --link robots.txt /site/',
      'COPY linkdir/ /site/linked/',
      '',
    ].join('\n'),
    'shared/.dockerignore': '*.bak\n',
    'shared/index.html': '<h1>site</h1>\n',
    'shared/about.html': '<h1>about</h1>\n',
    'shared/page1.css': 'a{}\n',
    'shared/page2.css': 'b{}\n',
    'shared/old.bak': 'bak\n',
    'shared/robots.txt': 'none\n',
    'shared/assets/logo.svg': '<svg/>\n',
    'shared/assets/x.tmp': 'x\n',
    'shared/assets/sub/': '',
    'shared/src/one/lib/l1': 'l1\n',
    'shared/src/two/lib/l2': 'l2\n',
    'shared/src/two/other': 'other\n',
    'shared/deep/d/e': 'e\n',
    'shared/linkdir': { symlink: 'deep' },
    'shared/second.txt': 'second\n',
    'dockerfiles/second.Dockerfile': 'FROM base\nCOPY . /all/\n',
    'dockerfiles/second.Dockerfile.dockerignore': '**\n!second.txt\n!deep/**\n!src\nsrc/two\n',
    'inline/in.txt': 'in\n',
    'bundle/Dockerfile':
      'FROM scratch\nCOPY --from=left /svc.txt /left.txt\nCOPY --from=right /svc.txt /right.txt\nCOPY readme run.sh /\nCOPY links/ /links/\n',
    'bundle/readme': 'read me\n',
    'bundle/run.sh': { content: '#!/bin/sh\necho run\n', mode: 0o644 },
    'bundle/links/one/where': 'here\n',
    'bundle/links/two/where': 'there\n',
    'bundle/links/current': { symlink: 'one' },
    'archive/Dockerfile':
      'FROM base\nADD files.tar /unpacked/\nCOPY --from=extra . /extra/\nRUN ls -R /unpacked > /unpacked.list\n',
    'archive/files.tar': { content: tarOf('inside.txt', 'inside\n') },
    'swap/in.txt': 'swapped in\n',
    'swap/Dockerfile': 'FROM scratch\nCOPY in.txt /\n',
    'notes.txt': 'read by nothing\n',
  };
}

/** A tar file with one file in it (ustar). */
export function tarOf(name: string, content: string): Uint8Array {
  const header = Buffer.alloc(512);
  const put = (text: string, at: number) => header.write(text, at, 'latin1');
  put(name, 0);
  put('0000644\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
  put('00000000000\0', 136);
  put('        ', 148);
  put('0', 156);
  put('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}
