/**
 * The scheduler of a pool in a simulation: runs of 100 to 10,000 builds on 10 to 500 engines that are not there, with time that passes as
 * fast as it can be counted. Prints the tables of docs/pool-figures.md.
 *
 *     node bench/scale.ts [--seed N] [--rounds N] [--without-places] [--jobs N]     (Node ≥ 22.18, Deno, or compiled)
 *
 * Goals: 95 % of runs take at most 1.3 times what no schedule can beat; at least 0.9 of the caches that one engine for all would have
 * are found; an engine that joins or leaves moves at most 2/N of the builds' first choices; planning takes less than a second.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Member, rankMembers } from '../lib/pool/mod.ts';
import {
  changeBuilds,
  fraction,
  POOL_SHAPES,
  type PoolShape,
  simulateBuilds,
} from '../test/rig/pool-builds.ts';
import { type Death, type SimulatedRun, simulatePool, simulateRun } from '../test/rig/pool-simulation.ts';
import { type Random, seededRandom } from '../test/rig/random.ts';

const ENGINES = [10, 50, 100, 500];
const BUILDS = [100, 1000, 10_000];
/** Of the builds of a pool, what changes from run to run: all are new, some, some, all (a new base), some. */
const RUNS = ['first', 'some', 'some', 'all', 'some'] as const;
const IDENTITIES = 2000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '2' },
    jobs: { type: 'string', default: '4' },
    'without-places': { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const jobs = Number(values.jobs);

interface Measured extends SimulatedRun {
  readonly isFirst: boolean;
  /** Processor time, that of the simulation around the scheduler included. */
  readonly planningMs: number;
}

const everything: Measured[] = [];
say(
  `seed ${seed}, ${values.rounds} rounds of ${RUNS.length} runs for each of ${POOL_SHAPES.length} shapes, ${jobs} jobs on each engine`,
);
say(
  '\n| Engines | Builds | Time / bound: median | p95 | of first runs | of later runs | Caches found | Planning, median | most |',
);
say('|---|---|---|---|---|---|---|---|---|');
for (const engines of ENGINES) for (const builds of BUILDS) await measure(engines, builds);
say(rowOf('all', '', everything));
say('\n| Engines | One joins moves, times 1/N | One leaves moves, times 1/N |');
say('|---|---|---|');
for (const engines of ENGINES)
  say(
    `| ${engines} | ${movesOf(engines)
      .map((one) => one.toFixed(2))
      .join(' | ')} |`,
  );
await measureDeaths();

async function measure(engines: number, builds: number): Promise<void> {
  const runs: Measured[] = [];
  for (const shape of POOL_SHAPES)
    for (let round = 0; round < Number(values.rounds); round++)
      runs.push(...(await playRuns(shape, engines, builds, round)));
  everything.push(...runs);
  say(rowOf(String(engines), String(builds), runs));
}

async function playRuns(
  shape: PoolShape,
  engines: number,
  count: number,
  round: number,
): Promise<readonly Measured[]> {
  const random = randomFor(shape, engines, count, round);
  const builds = simulateBuilds(shape, count, random);
  const pool = simulatePool(builds, membersOf(engines, round), values['without-places'] !== true);
  const runs: Measured[] = [];
  for (const [at, kind] of RUNS.entries()) {
    const share = kind === 'some' ? 0.05 + 0.3 * fraction(random) : 1;
    const wanted = changeBuilds(builds, share, random);
    const before = process.cpuUsage();
    const run = await simulateRun(pool, wanted, random);
    const { user, system } = process.cpuUsage(before);
    runs.push({ ...run, isFirst: at === 0, planningMs: (user + system) / 1000 });
  }
  return runs;
}

/** Half of the engines of a pool die at random moments, each fifth of these leaves. */
async function measureDeaths(): Promise<void> {
  let lost = 0;
  let builds = 0;
  const stretched: number[] = [];
  for (const shape of POOL_SHAPES) {
    const random = randomFor(shape, 50, 2000, 0);
    const members = membersOf(50, 0);
    const pool = simulatePool(
      simulateBuilds(shape, 2000, random),
      members,
      values['without-places'] !== true,
    );
    const wanted = new Set(pool.builds.keys());
    const calm = await simulateRun(pool, wanted, random);
    const deaths = members
      .slice(0, 25)
      .map(({ id }, at) => deathOf(id, at % 5 === 0, calm.makespanMs, random));
    const run = await simulateRun(pool, wanted, random, deaths);
    lost += run.lost;
    builds += run.builds;
    stretched.push(run.makespanMs / run.boundMs);
  }
  say(
    `\n25 of 50 engines die: of ${builds} builds ${lost} are begun again, none is lost, none runs twice at a time;`,
  );
  say(
    `the runs take ${Math.max(...stretched).toFixed(2)} times the bound of a pool in which nothing dies, at most.`,
  );
}

function deathOf(member: string, leaves: boolean, withinMs: number, random: Random): Death {
  return { member, leaves, atMs: withinMs * fraction(random), forMs: 10_000 + 300_000 * fraction(random) };
}

function rowOf(engines: string, builds: string, runs: readonly Measured[]): string {
  const ratios = runs.map(({ makespanMs, boundMs }) => makespanMs / boundMs);
  const first = ratios.filter((_, at) => runs[at]?.isFirst === true);
  const later = ratios.filter((_, at) => runs[at]?.isFirst === false);
  const found = sum(runs.map(({ hits }) => hits)) / sum(runs.map(({ possibleHits }) => possibleHits));
  const planning = runs.map(({ planningMs }) => planningMs);
  const cells = [
    engines,
    builds,
    quantile(ratios, 0.5).toFixed(2),
    quantile(ratios, 0.95).toFixed(2),
    quantile(first, 0.95).toFixed(2),
    quantile(later, 0.95).toFixed(2),
    found.toFixed(2),
    `${quantile(planning, 0.5).toFixed(0)} ms`,
    `${Math.max(...planning).toFixed(0)} ms`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The share of first choices that change where one engine joins and where one leaves, times the number of engines. */
function movesOf(engines: number): readonly number[] {
  const members = membersOf(engines, 0);
  const [more] = membersOf(1, 1);
  const identities = Array.from({ length: IDENTITIES }, (_, at) => `identity-${seed}-${at}`);
  const firstOf = (pool: readonly Member[]) =>
    identities.map((identity) => rankMembers(identity, pool)[0]?.id);
  const before = firstOf(members);
  const moved = (pool: readonly Member[]) => {
    const after = firstOf(pool);
    return (before.filter((id, at) => id !== after[at]).length / IDENTITIES) * engines;
  };
  return [moved(more === undefined ? members : [...members, more]), moved(members.slice(1))];
}

function membersOf(count: number, round: number): readonly Member[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `tcp://b${at}.pool-${seed}-${round}.example.com:1234`,
    jobs,
    platforms: [],
    labels: [],
  }));
}

function randomFor(...about: readonly (string | number)[]): Random {
  let mixed = seed;
  for (const char of about.join(' ')) mixed = (Math.imul(mixed, 31) + (char.codePointAt(0) ?? 0)) | 0;
  return seededRandom(mixed);
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
