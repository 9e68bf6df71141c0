/**
 * A repository with most of what a Dockerfile can read, described so that a plain `buildctl` can be called for each build
 * without anything of ours: the mutation test edits it and compares.
 */
import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
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
  /** Named context → `build:NAME`, `image:REFERENCE`, or a directory relative to the root. */
  contexts: Record<string, string>;
  /** Builds that the Dockerfile names by their tag: reference → build. */
  readonly byTag: Readonly<Record<string, string>>;
  tags: readonly string[];
  platforms: readonly string[];
  description?: string;
}

/** What the edits work on besides the files. */
export interface MutableSet {
  readonly host: string;
  builds: MutableBuild[];
  /** Value of the variable EXTRA. */
  extra: string;
  /** How builds.yaml is written; it means the same each time. */
  layout: (typeof LAYOUTS)[number];
  /** `registry`: records are kept there too, so that a fresh machine can leave builds alone. */
  readonly record?: 'registry';
}

/** Ways to write the same builds.yaml. */
export const LAYOUTS = ['plain', 'backwards', 'yaml', 'template'] as const;

/** The external base of the builds, and the tags that it is moved between. */
export const EXTERNAL_BASE = {
  repository: 'ext/base',
  tag: 'stable',
  variants: ['v1', 'v2', 'v3', 'v4'],
} as const;

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
  'options',
  'multi',
  'taker',
  'replaced',
];

/** Builds and variables as they are at first. */
export function initialSet(host: string, record?: 'registry'): MutableSet {
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
    layout: 'plain',
    ...(record === undefined ? {} : { record }),
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
      one('options', 'options', { args: { UNUSED_IN_FROM: 'x' } }),
      one('multi', 'multi', { platforms: ['linux/amd64', 'linux/arm64'] }),
      one('taker', 'taker', {
        contexts: { multi: 'build:multi', archive: 'build:archive', child: 'build:child' },
        platforms: ['linux/amd64', 'linux/arm64'],
      }),
      one('replaced', 'replaced', {
        contexts: { alpine: 'build:base', deps: 'build:options', swap: 'swap' },
      }),
    ],
  };
}

/** builds.yaml, in the set's layout. */
export function buildsFile(set: MutableSet): string {
  const builds = Object.fromEntries(set.builds.map((one) => [one.name, writtenBuild(one)]));
  const vars = { EXTRA: { default: 'none', env: ['EXTRA'] } };
  const record = set.record === undefined ? {} : { record: set.record };
  const whole = { vars, ...record, builds };
  switch (set.layout) {
    case 'plain': // JSON is YAML
      return `${JSON.stringify(whole, undefined, 2)}\n`;
    case 'backwards':
      return JSON.stringify(backwards(whole));
    case 'yaml':
      return `# a comment\n${stringify(whole, { sortMapEntries: true })}`;
    case 'template': {
      const rest = Object.entries(builds).map(([name, { push: _, ...build }]) => [
        name,
        { extends: 'pushed', ...build },
      ]);
      return stringify({ ...whole, templates: { pushed: { push: true } }, builds: Object.fromEntries(rest) });
    }
  }
}

/** Entries of all records in the opposite order; that of builds, arguments and labels means nothing. */
function backwards(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, backwards(inner)]),
  );
}

function writtenBuild(one: MutableBuild): Readonly<Record<string, unknown>> {
  const rows = Object.entries(one.args).map(([key, value]) => [
    key,
    value === '$EXTRA' ? '${{ vars.EXTRA }}' : value,
  ]);
  const contexts = Object.entries(one.contexts).map(([name, source]) => [
    name,
    source.startsWith('image:') ? `docker-image://${source.slice('image:'.length)}` : source,
  ]);
  return {
    context: one.context,
    ...(one.dockerfile === undefined ? {} : { dockerfile: pathFrom(one.context, one.dockerfile) }),
    ...(one.inline === undefined ? {} : { 'dockerfile-inline': one.inline }),
    ...(one.target === undefined ? {} : { target: one.target }),
    ...(one.description === undefined ? {} : { description: one.description }),
    ...(one.platforms.length === 0 ? {} : { platforms: one.platforms }),
    args: Object.fromEntries(rows),
    labels: one.labels,
    contexts: Object.fromEntries(contexts),
    tags: one.tags,
    push: true,
  };
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
    'outside/Dockerfile': `FROM ${host}/${EXTERNAL_BASE.repository}:${EXTERNAL_BASE.tag}\nARG HTTP_PROXY\nCOPY . /o/\nRUN find /o | sort > /o.list\n`,
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
      `FROM ${host}/${EXTERNAL_BASE.repository}:v1`,
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
    'options/Dockerfile': [
      'ARG VARIANT=v1',
      `FROM ${host}/${EXTERNAL_BASE.repository}:\${VARIANT}`,
      'ARG VARIANT',
      'ARG OWNER=12',
      'COPY --chown=$OWNER:34 --chmod=640 data /data',
      'COPY --chmod=u=rwX,go= data /private',
      'COPY --exclude=**/*.tmp --exclude=sub data/ /some/',
      'COPY --parents data/./sub/**/deep data/*.conf /parents/',
      'COPY ["with blank.txt", "data/[[]x].txt", "/odd/"]',
      'RUN --mount=type=bind,target=/src find /src | sort > /src.list',
      'RUN --mount=type=bind,source=data,target=/src,rw touch /src/new && ls /src > /data.list',
      'ADD --chown=5:6 data/files.tar /tar/',
      '',
    ].join('\n'),
    'options/.dockerignore': '**/*.swp\n!keep.swp\nignored/**\n!ignored/kept\n',
    'options/data/a.conf': 'a\n',
    'options/data/[x].txt': 'brackets\n',
    'options/data/x.tmp': 'tmp\n',
    'options/data/sub/one/deep/file': 'deep\n',
    'options/data/sub/run': { content: '#!/bin/sh\n', mode: 0o755 },
    'options/data/latest': { symlink: 'sub/one' },
    'options/data/files.tar': { content: tarOf('packed.txt', 'packed\n') },
    'options/with blank.txt': 'blank\n',
    'options/ignored/a': 'a\n',
    'options/ignored/kept': 'kept\n',
    'options/x.swp': 'swp\n',
    'multi/Dockerfile': [
      'FROM scratch AS files',
      'COPY all/ /all/',
      'FROM scratch',
      'ARG TARGETARCH',
      'ARG BUILDARCH',
      'COPY --from=files /all /all',
      'COPY bin-$TARGETARCH /bin/program',
      'LABEL arch=$TARGETARCH',
      '',
    ].join('\n'),
    'multi/all/x': 'x\n',
    'multi/all/y/z': 'z\n',
    'multi/bin-amd64': { content: 'amd64\n', mode: 0o755 },
    'multi/bin-arm64': { content: 'arm64\n', mode: 0o755 },
    'multi/bin-riscv64': 'of nobody\n',
    'taker/Dockerfile': [
      'FROM scratch',
      'COPY --from=multi /bin/program /program',
      'COPY --from=multi /all/ /all/',
      'COPY --link --from=archive /unpacked /unpacked',
      'COPY --from=child /own /app.list /from-child/',
      'COPY own.txt /',
      '',
    ].join('\n'),
    'taker/own.txt': 'own\n',
    'replaced/Dockerfile': [
      'FROM alpine AS build',
      'RUN --mount=from=deps,source=/data,target=/deps ls -lR /deps | wc -l > /count',
      'RUN --mount=type=bind,from=swap,target=/swap cat /swap/* > /swapped; true',
      'FROM alpine',
      'COPY --from=build /count /swapped /',
      'COPY --from=deps /src.list /deps/',
      'COPY --from=deps /some/sub* /deps/some/',
      '',
    ].join('\n'),
    'replaced/unused': 'nothing reads the context\n',
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
