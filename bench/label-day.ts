/**
 * An ordinary day: a base and eight services in three levels, of which something upstream changes; bake-ts, and `docker
 * buildx bake` on an engine and a registry of its own.
 *
 * Goals: where only labels or the command of the base change, or a commit in `labels:` of every image, no step runs, in at
 * most half of bake's time, and every image's config is bake's but for layers and times; where ENV or a file of the base
 * changes, everything runs.
 *
 * Environment: BAKE_TS_TEST_BUILDKIT and BAKE_TS_BENCH_PEER_BUILDKIT (two equal engines, which `npm run bench` starts),
 * BAKE_TS_TEST_ENGINE_BIN (directory with `registry` and `buildctl`), BUILDX (a buildx binary; without it only we are
 * measured), BAKE_TS_BENCH_SECONDS (how long each RUN step takes; default 2).
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../lib/model/mod.ts';
import { makeBenchPlace, say, seconds, timed } from '../test/rig/beside-bake.ts';
import { findBusybox } from '../test/rig/busybox.ts';
import { type CommandResult, runBakeTs } from '../test/rig/command.ts';
import { realEngine, startTestRegistry } from '../test/rig/real-engine.ts';
import { type Cleanup, writeTree } from '../test/rig/temp.ts';

const sleep = Number(process.env['BAKE_TS_BENCH_SECONDS'] ?? '2');

/** Engines go on working when a tool has ended (records of the build, collecting garbage), bake's for seconds. */
const SETTLE_MS = 5_000;

/** What the base and the images say at some time of the day. */
interface Moment {
  readonly label?: string;
  readonly command?: string;
  readonly variable?: string;
  readonly file?: string;
  readonly commit?: string;
}

const DAY: readonly { readonly what: string; readonly moment: Moment; readonly runs: 'all' | 'none' }[] = [
  { what: 'first build', moment: {}, runs: 'all' },
  { what: 'label of the base', moment: { label: 'two' }, runs: 'none' },
  { what: 'another label', moment: { label: 'three' }, runs: 'none' },
  { what: 'commit on every image', moment: { label: 'three', commit: 'b' }, runs: 'none' },
  { what: 'next commit', moment: { label: 'three', commit: 'c' }, runs: 'none' },
  { what: 'CMD of the base', moment: { label: 'three', commit: 'c', command: 'ash' }, runs: 'none' },
  { what: 'ENV of the base', moment: { commit: 'c', variable: 'two' }, runs: 'all' },
  { what: 'file of the base', moment: { commit: 'c', variable: 'two', file: 'two' }, runs: 'all' },
];

/** Service → what it is based on. */
const PARENTS: Readonly<Record<string, string>> = {
  ...{ a1: 'base', a2: 'base', a3: 'base' },
  ...{ b1: 'a1', b2: 'a1', b3: 'a2' },
  ...{ c1: 'b1', c2: 'b3' },
};

const cleanups: (() => void | Promise<void>)[] = [];
const cleanup: Cleanup = { after: (fn) => cleanups.unshift(fn) };

try {
  if (realEngine.skip !== false) say('No engines: run `npm run bench label-day`');
  else await measureDay();
} finally {
  for (const clean of cleanups) await clean();
}

async function measureDay(): Promise<void> {
  const { root, options, bake } = await makeBenchPlace(cleanup, 'label-day');
  const own = await startTestRegistry(cleanup);
  const theirs = await startTestRegistry(cleanup);
  const busybox = await readFile(await findBusybox(cleanup));
  for (const { what, moment, runs } of DAY) {
    await writeTree(root, {
      ...treeOf(moment, own.host, theirs.host),
      'base/busybox': { content: busybox, mode: 0o755 },
    });
    await delay(SETTLE_MS);
    const ours = await timed(() => runBakeTs(['run', '--progress=json'], options), 'bake-ts run');
    const ran = stepsOf(ours.result);
    const wrong = runs === 'none' ? ran > 0 : ran < 2 * Object.keys(PARENTS).length;
    const steps = `${what}: bake-ts ran ${ran} steps${wrong ? ` (NOT ${runs})` : ''} in ${seconds(ours.ms)}`;
    if (bake === undefined) {
      say(steps);
      continue;
    }
    await delay(SETTLE_MS);
    const peer = await timed(() => bake('rawjson'), 'buildx bake');
    const ratio = ours.ms / peer.ms;
    const goal = runs === 'none' ? ` (goal ≤ 0.5: ${ratio <= 0.5 ? 'met' : 'NOT met'})` : '';
    const others = await differingConfigs(own.host, theirs.host);
    say(
      `${steps}, docker buildx bake ran ${runStepsOf(peer.result)} RUN steps in ${seconds(peer.ms)}: ` +
        `${ratio.toFixed(2)} ×${goal}; ${others.length === 0 ? 'configs equal' : `OTHER CONFIGS: ${others.join(', ')}`}`,
    );
  }
}

function treeOf(moment: Moment, own: string, theirs: string) {
  const { label = 'one', command = 'sh', variable = 'one', file = 'one', commit = 'a' } = moment;
  const images = ['base', ...Object.keys(PARENTS)];
  const parentOf = (name: string) => PARENTS[name] ?? 'scratch';
  const base = [
    'FROM scratch',
    'COPY busybox /bin/',
    'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
    `ENV OF=${variable}`,
    'COPY file /of-base',
    `RUN sleep ${sleep}; echo base > /base`,
    `LABEL of=${label}`,
    `CMD ["${command}"]`,
  ];
  const serviceOf = (name: string) => [
    `FROM ${parentOf(name)} AS made`,
    `RUN sleep ${sleep}; echo ${name} > /made-${name}`,
    `FROM ${parentOf(name)}`,
    `RUN sleep ${sleep}; echo ${name} > /${name}`,
    `COPY --from=made /made-${name} /made-${name}`,
    'COPY file /of-service',
    `LABEL service=${name}`,
  ];
  const labels = { 'org.opencontainers.image.revision': commit };
  const contextsOf = (name: string, scheme: string) =>
    name === 'base' ? {} : { contexts: { [parentOf(name)]: `${scheme}:${parentOf(name)}` } };
  const builds = images.map((name) => [
    name,
    { context: name, tags: [`${own}/${name}:1`], push: true, labels, ...contextsOf(name, 'build') },
  ]);
  const targets = images.map((name) => [
    name,
    {
      context: name,
      tags: [`${theirs}/${name}:1`],
      output: ['type=registry'],
      attest: ['type=provenance,disabled=true'],
      labels,
      ...contextsOf(name, 'target'),
    },
  ]);
  return {
    ...Object.fromEntries(
      images.flatMap((name) => [
        [`${name}/Dockerfile`, `${(name === 'base' ? base : serviceOf(name)).join('\n')}\n`],
        [`${name}/file`, `${name === 'base' ? file : name}\n`],
      ]),
    ),
    'builds.yaml': JSON.stringify({ builds: Object.fromEntries(builds) }),
    'docker-bake.json': JSON.stringify({
      group: { default: { targets: images } },
      target: Object.fromEntries(targets),
    }),
  };
}

/** Steps (RUN and COPY) that a run of ours executed. */
function stepsOf({ stdout }: CommandResult): number {
  const finished = stdout.split('\n').findLast((line) => line.includes('"run-finished"')) ?? '';
  const { summary } = JSON.parse(finished) as { readonly summary: { readonly outcomes: readonly Outcome[] } };
  return summary.outcomes.reduce((sum, { steps }) => sum + (steps?.total ?? 0) - (steps?.cached ?? 0), 0);
}

/** RUN steps that bake executed, by BuildKit's own progress. */
function runStepsOf({ stderr }: CommandResult): number {
  const ran = new Map<string, boolean>();
  for (const line of stderr.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { vertexes = [] } = JSON.parse(line) as {
      readonly vertexes?: readonly {
        readonly digest: string;
        readonly name: string;
        readonly completed?: string;
        readonly cached?: boolean;
      }[];
    };
    for (const { digest, name, completed, cached } of vertexes) {
      if (/\] RUN /.test(name) && completed !== undefined) ran.set(digest, cached !== true);
    }
  }
  return [...ran.values()].filter(Boolean).length;
}

/** Images whose configs differ between two registries in more than layers and times. */
async function differingConfigs(own: string, theirs: string): Promise<readonly string[]> {
  const names = ['base', ...Object.keys(PARENTS)];
  const configs = await Promise.all(
    names.map(async (name) => [await configOf(own, name), await configOf(theirs, name)]),
  );
  return names.filter((_name, at) => configs[at]?.[0] !== configs[at]?.[1]);
}

async function configOf(host: string, name: string): Promise<string> {
  const accept = [
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
  ].join(', ');
  const get = async (what: string) =>
    (await fetch(`http://${host}/v2/${name}/${what}`, { headers: { accept } })).json();
  const manifest = (await get('manifests/1')) as { readonly config: { readonly digest: string } };
  const image = (await get(`blobs/${manifest.config.digest}`)) as {
    readonly config: unknown;
    readonly history: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
    readonly rootfs: { readonly diff_ids: readonly string[] };
  };
  const { created: _, rootfs, history, ...rest } = image as typeof image & { readonly created: string };
  const steps = history.map(({ created_by, empty_layer }) => [created_by, empty_layer === true]);
  return JSON.stringify({ ...rest, steps, layers: rootfs.diff_ids.length });
}
