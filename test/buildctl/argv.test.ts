/** The command line, letter by letter: what buildctl gets is what the user wrote, and never a secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BuildOutput,
  type BuildRequest,
  buildArgv,
  emptyArgv,
  layersOnlyArgv,
} from '../../lib/buildctl/mod.ts';
import type { Build } from '../../lib/model/mod.ts';
import { contextKey } from '../../lib/model/mod.ts';
import { formatCsv } from '../../lib/util/csv.ts';
import { fromBuild, makeBuild } from '../rig/sets.ts';

const START = ['--addr', 'unix:///b.sock', 'build', '--progress=rawjson', '--frontend', 'dockerfile.v0'];
const CONTEXT = ['--local', 'context=/src/a', '--local', 'dockerfile=/src/a', '--opt', 'filename=Dockerfile'];
const DIGEST = `sha256:${'a'.repeat(64)}` as const;

function argvOf(
  rest: Partial<Omit<Build, 'tags'>> = {},
  request: Partial<BuildRequest> = {},
): readonly string[] {
  return buildArgv({
    build: makeBuild('a', rest),
    address: 'unix:///b.sock',
    dockerfile: { dir: '/src/a', filename: 'Dockerfile' },
    links: [],
    outputs: [],
    locals: { named: new Map() },
    secretPlaces: new Map(),
    ...request,
  });
}

/** What comes after the part that every build has. */
function optionsOf(
  rest: Partial<Omit<Build, 'tags'>>,
  request: Partial<BuildRequest> = {},
): readonly string[] {
  const argv = argvOf(rest, request);
  assert.deepEqual(argv.slice(0, START.length + CONTEXT.length), [...START, ...CONTEXT]);
  return argv.slice(START.length + CONTEXT.length);
}

function opts(...pairs: string[]): readonly string[] {
  return pairs.flatMap((pair) => ['--opt', pair]);
}

test('a plain build has nothing but its directories', () => {
  assert.deepEqual(argvOf(), [...START, ...CONTEXT]);
});

test('each option of a build has its word', () => {
  const cases: readonly (readonly [Partial<Omit<Build, 'tags'>>, readonly string[]])[] = [
    [{ target: 'final' }, opts('target=final')],
    [{ platforms: ['linux/amd64', 'linux/arm64'] }, opts('platform=linux/amd64,linux/arm64')],
    [
      {
        args: new Map([
          ['A', 'x=y,z "q"'],
          ['B', ''],
        ]),
      },
      opts('build-arg:A=x=y,z "q"', 'build-arg:B='),
    ],
    [{ labels: new Map([['org.x', 'a b']]) }, opts('label:org.x=a b')],
    [{ noCache: true, noCacheFilter: ['s'] }, ['--no-cache']],
    [{ noCacheFilter: ['one', 'two'] }, opts('no-cache=one,two')],
    [{ pull: true }, opts('image-resolve-mode=pull')],
    [{ sourceDateEpoch: 1700000000 }, opts('build-arg:SOURCE_DATE_EPOCH=1700000000')],
    [{ reproducible: true }, opts('build-arg:SOURCE_DATE_EPOCH=0')],
    [
      { reproducible: true, args: new Map([['SOURCE_DATE_EPOCH', '7']]) },
      opts('build-arg:SOURCE_DATE_EPOCH=7'),
    ],
    [{ network: 'default' }, []],
    [{ network: 'none' }, opts('force-network-mode=none')],
    [{ network: 'host' }, [...opts('force-network-mode=host'), '--allow', 'network.host']],
    [
      { network: 'host', entitlements: ['network.host', 'security.insecure'] },
      [...opts('force-network-mode=host'), '--allow', 'network.host', '--allow', 'security.insecure'],
    ],
    [
      {
        extraHosts: new Map([
          ['db', '10.0.0.1'],
          ['six', '::1'],
        ]),
      },
      opts('add-hosts=db=10.0.0.1,six=::1'),
    ],
    [{ ulimits: [{ name: 'nofile', soft: 1024, hard: 2048 }] }, opts('ulimit=nofile=1024:2048')],
    [{ shmSizeBytes: 67108864 }, opts('shm-size=67108864')],
    [{ cgroupParent: '/x' }, opts('cgroup-parent=/x')],
    [
      {
        attest: [
          { type: 'provenance', attributes: new Map([['mode', 'max']]) },
          { type: 'sbom', attributes: new Map() },
        ],
      },
      opts('attest:provenance=mode=max', 'attest:sbom='),
    ],
    [{ attest: [{ type: 'provenance', attributes: new Map([['disabled', 'true']]) }] }, []],
    [
      { cacheFrom: [{ type: 'registry', attributes: new Map([['ref', 'r/c:a']]) }] },
      ['--import-cache', 'type=registry,ref=r/c:a'],
    ],
    [
      {
        cacheTo: [
          {
            type: 'local',
            attributes: new Map([
              ['dest', '/with,comma'],
              ['mode', 'max'],
            ]),
          },
        ],
      },
      ['--export-cache', 'type=local,"dest=/with,comma",mode=max'],
    ],
    [{ secrets: [{ id: 'a', from: { kind: 'env', variable: 'TOKEN' } }] }, ['--secret', 'id=a,env=TOKEN']],
    [{ secrets: [{ id: 'a', from: { kind: 'file', path: '/s,1' } }] }, ['--secret', 'id=a,"src=/s,1"']],
    [{ ssh: [{ id: 'default', paths: [] }] }, ['--ssh', 'default']],
    [{ ssh: [{ id: 'k', paths: ['/a', '/b'] }] }, ['--ssh', 'k=/a,/b']],
  ];
  for (const [build, expected] of cases)
    assert.deepEqual(optionsOf(build), expected, JSON.stringify(expected));
});

test('a secret of a command comes through the environment', () => {
  const build = { secrets: [{ id: 'a', from: { kind: 'command', argv: ['show', 'the-value'] } }] } as const;
  const argv = optionsOf(build, { secretPlaces: new Map([['a', { variable: 'VARIABLE' }]]) });
  assert.deepEqual(argv, ['--secret', 'id=a,env=VARIABLE']);
  const inFile = optionsOf(build, { secretPlaces: new Map([['a', { file: '/tmp/x,y' }]]) });
  assert.deepEqual(inFile, ['--secret', 'id=a,"src=/tmp/x,y"']);
  assert(!argv.some((word) => word.includes('the-value')));
});

test('contexts of every kind are named as the frontend looks them up', () => {
  const contexts: Build['contexts'] = new Map([
    ['files', { ref: { kind: 'local', path: '/src/files' }, written: '' }],
    ['docker.io/library/alpine:latest', { ref: { kind: 'image', ref: 'alpine:3.20' }, written: '' }],
    ['code', { ref: { kind: 'git', url: 'https://h/r.git#main:sub' }, written: '' }],
    ['site', { ref: { kind: 'http', url: 'https://h/a.tgz' }, written: '' }],
    ['layout', { ref: { kind: 'oci-layout', path: '/lay', tag: 'v1', digest: DIGEST }, written: '' }],
    ['tagged', { ref: { kind: 'oci-layout', path: '/lay', tag: 'v1' }, written: '' }],
    ['other', fromBuild('b')],
  ]);
  const locals = { named: new Map([['files', { dir: '/src/files', name: 'bakeabc' }]]) };
  assert.deepEqual(optionsOf({ contexts }, { locals }), [
    ...['--local', 'bakeabc=/src/files'],
    ...opts('context:files=local:bakeabc', 'context:alpine=docker-image://alpine:3.20'),
    ...opts('context:code=https://h/r.git#main:sub', 'context:site=https://h/a.tgz'),
    ...['--oci-layout', 'layout0=/lay', '--opt', `context:layout=oci-layout://layout0:v1@${DIGEST}`],
    ...['--oci-layout', 'layout1=/lay', '--opt', 'context:tagged=oci-layout://layout1:v1'],
  ]);
});

test('the names of contexts are familiar references without :latest', () => {
  assert.equal(contextKey('base'), 'base');
  assert.equal(contextKey('localhost:5002/app:latest'), 'localhost:5002/app');
  assert.equal(contextKey('docker.io/library/foo:1.2'), 'foo:1.2');
  assert.equal(contextKey('Base Image'), 'base image');
});

test('results of other builds come by digest: from a registry, from the store, from a layout', () => {
  const argv = optionsOf(
    {},
    {
      links: [
        { contextName: 'base', kind: 'image', ref: { registry: 'r:5', repository: 'x', digest: DIGEST } },
        { contextName: 'r:5/y:latest', kind: 'layout', dir: '/tmp/l', digest: DIGEST },
      ],
    },
  );
  assert.deepEqual(argv, [
    ...opts(`context:base=docker-image://r:5/x@${DIGEST}`),
    ...['--oci-layout', 'parent0=/tmp/l', '--opt', `context:r:5/y=oci-layout://parent0@${DIGEST}`],
  ]);
});

test('a link with a layers-only image goes by another name of the same image', () => {
  const ref = { registry: 'r:5', repository: 'x', digest: DIGEST } as const;
  const layersOnly = { ...ref, digest: `sha256:${'b'.repeat(64)}` } as const;
  const stored = { registry: '127.0.0.1:1', repository: 'bake/y', tag: 'project', digest: DIGEST } as const;
  assert.deepEqual(
    optionsOf(
      {},
      {
        links: [
          { contextName: 'base', kind: 'image', ref, layersOnly },
          { contextName: 'stored', kind: 'image', ref: stored, layersOnly },
          { contextName: 'plain', kind: 'image', ref: stored },
        ],
      },
    ),
    opts(
      `context:base=docker-image://r:5/x:bake-ts@${DIGEST}`,
      `context:stored=docker-image://127.0.0.1:1/bake/y:bake-ts@${DIGEST}`,
      `context:plain=docker-image://127.0.0.1:1/bake/y:project@${DIGEST}`,
    ),
  );
});

test('a layers-only image is made of an image in the store by giving it other configs', () => {
  const call = {
    image: { registry: '127.0.0.1:1', repository: 'bake/y', tag: 'project', digest: DIGEST },
    name: { registry: '127.0.0.1:1', repository: 'bake/y', tag: 'project-layers' },
    workDir: '/w',
  } as const;
  const start = [
    ...START,
    ...['--opt', 'dockerfilekey=bake-ts-layers-only', '--local', 'bake-ts-layers-only=/w'],
    ...['--opt', `context:parent=docker-image://127.0.0.1:1/bake/y:project@${DIGEST}`],
  ];
  const name = 'type=image,name=127.0.0.1:1/bake/y:project-layers';
  assert.deepEqual(
    layersOnlyArgv(
      { address: 'unix:///b.sock' },
      { ...call, configs: new Map([['linux/amd64', '{"a":[1,2]}']]) },
    ),
    [
      ...start,
      ...['--opt', 'platform=linux/amd64'],
      ...['--output', `${name},"containerimage.config={""a"":[1,2]}"`],
      ...['--metadata-file', '/w/metadata.json'],
    ],
  );
  const two = new Map([
    ['linux/amd64', '{}'],
    ['linux/arm64', '{}'],
  ]);
  assert.deepEqual(
    layersOnlyArgv({ address: 'unix:///b.sock' }, { ...call, configs: two }).slice(start.length),
    [
      ...['--opt', 'platform=linux/amd64,linux/arm64'],
      ...['--output', `${name},containerimage.config/linux/amd64={},containerimage.config/linux/arm64={}`],
      ...['--metadata-file', '/w/metadata.json'],
    ],
  );
});

test('names in the store are given to an image of nothing, which is the same each time', () => {
  const names = ['127.0.0.1:1/bake/a:p', '127.0.0.1:1/bake/a:p-layers'];
  assert.deepEqual(emptyArgv({ address: 'unix:///b.sock' }, { names, workDir: '/w' }), [
    ...START,
    ...['--opt', 'dockerfilekey=bake-ts-empty', '--local', 'bake-ts-empty=/w'],
    ...['--opt', 'build-arg:SOURCE_DATE_EPOCH=0'],
    ...['--output', 'type=image,"name=127.0.0.1:1/bake/a:p,127.0.0.1:1/bake/a:p-layers"'],
  ]);
});

test('a remote context brings its Dockerfile, unless there is one here', () => {
  const context = { ref: { kind: 'git', url: 'https://h/r.git' }, written: '' } as const;
  const remote = buildArgv({
    build: makeBuild('a', { context, dockerfile: { kind: 'file', path: 'sub/Dockerfile', written: '' } }),
    address: 'x',
    links: [],
    outputs: [],
    locals: { named: new Map() },
    secretPlaces: new Map(),
  });
  assert.deepEqual(remote.slice(6), opts('context=https://h/r.git', 'filename=sub/Dockerfile'));
  const own = argvOf({ context });
  assert.deepEqual(own.slice(6), [
    ...opts('context=https://h/r.git'),
    ...['--local', 'dockerfile=/src/a', ...opts('filename=Dockerfile', 'dockerfilekey=dockerfile')],
  ]);
});

test('outputs: pushes by digest, pushes by name, the store, a layout, and what was written', () => {
  const image = {
    compression: { type: 'zstd', level: 3, force: true },
    reproducible: false,
    annotations: new Map([
      ['org.x', 'plain, with comma'],
      ['index:org.y', 'i'],
      ['manifest[linux/arm64]:org.z', 'm'],
      ['index-descriptor:k', 'd'],
    ]),
  } as const;
  const tail =
    'compression=zstd,compression-level=3,force-compression=true,"annotation.org.x=plain, with comma",' +
    'annotation-index.org.y=i,annotation-manifest[linux/arm64].org.z=m,annotation-index-descriptor.k=d';
  const cases: readonly (readonly [BuildOutput, string])[] = [
    [{ kind: 'cached' }, `type=image,store=false,${tail}`],
    [
      { kind: 'push-by-digest', repositories: ['r/a', 's/b'], insecure: false },
      `type=image,"name=r/a,s/b",push=true,push-by-digest=true,store=false,${tail}`,
    ],
    [
      { kind: 'push-by-digest', repositories: ['r/a'], insecure: true },
      `type=image,name=r/a,push=true,push-by-digest=true,store=false,registry.insecure=true,${tail}`,
    ],
    [{ kind: 'store', names: ['127.0.0.1:1/bake/a:x'] }, `type=image,name=127.0.0.1:1/bake/a:x,${tail}`],
    [{ kind: 'layout', dir: '/tmp/l' }, `type=oci,tar=false,dest=/tmp/l,${tail}`],
    [
      { kind: 'written', output: { type: 'local', attributes: new Map([['dest', '/out']]) } },
      'type=local,dest=/out',
    ],
    [
      {
        kind: 'written',
        output: {
          type: 'oci',
          attributes: new Map([
            ['dest', '/o.tar'],
            ['compression', 'gzip'],
          ]),
        },
      },
      `type=oci,dest=/o.tar,compression=gzip,${tail.replace('compression=zstd,', '')}`,
    ],
  ];
  for (const [output, expected] of cases) {
    assert.deepEqual(optionsOf(image, { outputs: [output] }), ['--output', expected]);
  }
  assert.deepEqual(
    optionsOf(
      { reproducible: true },
      { outputs: [{ kind: 'store', names: ['n:1'] }], metadataFile: '/m.json', policyFile: '/p.json' },
    ),
    [
      ...opts('build-arg:SOURCE_DATE_EPOCH=0'),
      ...['--source-policy-file', '/p.json', '--output', 'type=image,name=n:1,rewrite-timestamp=true'],
      ...['--metadata-file', '/m.json'],
    ],
  );
});

test('local contexts go under the names that they are given', () => {
  const contexts: Build['contexts'] = new Map([
    ['files', { ref: { kind: 'local', path: '/f' }, written: '' }],
    ['more', { ref: { kind: 'local', path: '/m' }, written: '' }],
  ]);
  const main = { dir: '/copy', name: 'bake1' };
  const named = new Map([['files', { dir: '/f', name: 'bake2' }]]);
  const argv = argvOf({ contexts }, { locals: { main, named } }).slice(6);
  assert.deepEqual(argv, [
    ...opts('local-sessionid:context=bake1:'),
    ...['--local', 'bake1-context=/copy', '--local', 'bake1-bake1-context=/copy'],
    ...['--local', 'dockerfile=/src/a', ...opts('filename=Dockerfile')],
    ...['--local', 'bake2=/f', ...opts('context:files=local:bake2')],
    ...['--local', 'named0=/m', ...opts('context:more=local:named0')],
  ]);
  const shared = argvOf({}, { locals: { main: { dir: '/copy' }, named: new Map() } }).slice(6);
  assert.deepEqual(shared, [
    '--local',
    'context=/copy',
    '--local',
    'dockerfile=/src/a',
    ...opts('filename=Dockerfile'),
  ]);
});

test('fields of CSV are quoted where Go’s reader needs it', () => {
  assert.equal(
    formatCsv(['a=1', 'b=x,y', 'c="q"', ' d', 'e=1\n2']),
    'a=1,"b=x,y","c=""q""" ," d","e=1\n2"'.replace('" ,', '",'),
  );
});

test('proxies are arguments; of one with a user only the name is written', () => {
  const proxies = new Map([
    ['HTTP_PROXY', 'http://p:1'],
    ['Https_Proxy', 'http://user:pass-word@p:1'],
  ]);
  const argv = argvOf({ args: new Map([['A', '1']]) }, { proxies });
  assert.deepEqual(
    argv.filter((one) => one.startsWith('build-arg:')),
    ['build-arg:A=1', 'build-arg:HTTP_PROXY=http://p:1', 'build-arg:Https_Proxy'],
  );
  assert.doesNotMatch(argv.join(' '), /pass-word/);
});

test('a frontend of its own is named by its image, by digest where that is known', () => {
  const frontendImage = { image: 'x.example/fe:1' };
  const head = ['--addr', 'unix:///b.sock', 'build', '--progress=rawjson', '--frontend', 'gateway.v0'];
  assert.deepEqual(argvOf({ frontendImage }), [...head, ...opts('source=x.example/fe:1'), ...CONTEXT]);
  const source = `x.example/fe:1@${DIGEST}`;
  assert.deepEqual(argvOf({ frontendImage }, { source }), [...head, ...opts(`source=${source}`), ...CONTEXT]);
});

test('opts and words for buildctl go as they are', () => {
  const option = { name: '--trace', words: ['--trace=/a b', 'c'], written: [], isHarmless: true };
  assert.deepEqual(
    optionsOf(
      {
        opts: new Map([
          ['hostname', 'a=b'],
          ['x', ''],
        ]),
        buildctlOptions: [option],
      },
      { metadataFile: '/m' },
    ),
    [...opts('hostname=a=b', 'x='), '--metadata-file', '/m', '--trace=/a b', 'c'],
  );
});

test('the file of a foreign frontend has a name of its own, too', () => {
  const dockerfile = { dir: '/src/a', filename: 'recipe', name: 'n1' };
  assert.deepEqual(argvOf({}, { dockerfile }).slice(START.length + 2), [
    ...opts('local-sessionid:dockerfile=n1:'),
    ...['--local', 'n1-dockerfile=/src/a', '--local', 'n1-n1-dockerfile=/src/a'],
    ...opts('filename=recipe'),
  ]);
});
