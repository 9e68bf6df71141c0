/** A pool of engines as `engine status` shows it. */
import type { MemberReport, PoolStatus } from '../lib/engine/mod.ts';
import type { Problem } from '../lib/model/mod.ts';
import {
  formatBytes,
  formatDuration,
  type Palette,
  plainText,
  plural,
  toProblemJson,
  widthOf,
  wrap,
} from '../lib/report/mod.ts';
import { formatTable } from './output.ts';

/** Whether every engine answers. */
export function answersWhole({ members, problems }: PoolStatus): boolean {
  return problems.length === 0 && members.every(({ state }) => state.ok);
}

/** The pool as JSON. */
export function poolToJson({ members, problems }: PoolStatus): object {
  return {
    pool: members.map(({ member, state, runningBuilds, cacheBytes }) => ({
      ...{ id: member.id, address: member.address, jobs: member.jobs, labels: member.labels },
      ...(state.ok ? state.value : { platforms: member.platforms, problems: state.error.map(toProblemJson) }),
      ...(runningBuilds === undefined ? {} : { runningBuilds }),
      ...(cacheBytes === undefined ? {} : { cacheBytes }),
    })),
    problems: problems.map(toProblemJson),
  };
}

/** A line for each engine if it fits, else two; then the problems. */
export function formatPool(pool: PoolStatus, palette: Palette, columns: number): string {
  const { members, problems } = pool;
  const answering = members.filter(({ state }) => state.ok);
  // Entries that are no engines, such as invalid addresses or pods that kubectl does not find.
  const others = problems.length === 0 ? '' : ', and others cannot be asked';
  const count = `${answering.length} of ${plural(members.length, 'engine')} ${answering.length === 1 ? 'answers' : 'answer'}${others}`;
  const head = `run uses:   a pool: ${answersWhole(pool) ? palette.good(count) : palette.warning(count)}\n`;
  const faults = [...members.flatMap(({ state }) => (state.ok ? [] : state.error)), ...problems];
  return [
    head,
    ...(members.length === 0 ? [] : ['\n', tableOf(members, palette, columns)]),
    ...faults.map((one) => `\n${formatFault(one, palette, columns)}`),
  ].join('');
}

const TITLES = ['VERSION', 'WORKER', '>RUNS', '>JOBS', '>CACHE', '>LATENCY', 'PLATFORMS'];

function tableOf(members: readonly MemberReport[], palette: Palette, columns: number): string {
  const rows = members.map((one) => [plainText(one.member.id), ...cellsOf(one)]);
  const table = formatTable(['ENGINE', ...TITLES], rows, palette);
  if (table.split('\n').every((line) => widthOf(line) <= columns)) return table;
  const [titles = '', ...lines] = formatTable(
    TITLES,
    rows.map((row) => row.slice(1)),
    palette,
  ).split('\n');
  const pairs = rows.flatMap(([id = ''], at) => [id, `  ${lines[at]}`]);
  return `${[palette.dim('ENGINE'), `  ${titles}`, ...pairs].join('\n')}\n`;
}

function cellsOf({ member, state, runningBuilds, cacheBytes }: MemberReport): readonly string[] {
  const { jobs, labels } = member;
  if (!state.ok) return ['-', '-', '-', String(jobs), '-', '-', state.error[0]?.code ?? '-'];
  const { version = '-', worker, latencyMs, platforms } = state.value;
  return [
    plainText(version),
    worker.executor,
    runningBuilds === undefined ? '-' : String(runningBuilds),
    String(jobs),
    cacheBytes === undefined ? '-' : formatBytes(cacheBytes),
    formatDuration(latencyMs),
    plainText([shortPlatforms(platforms), ...labels].join(' ')),
  ];
}

/** Leaves out variants of amd64 and the `linux/` prefix. */
function shortPlatforms(platforms: readonly string[]): string {
  const short = platforms
    .filter((one) => !/\/amd64\/v\d$/.test(one))
    .map((one) => one.replace(/^linux\//, ''));
  return short.join(',');
}

function formatFault({ message, hint }: Problem, palette: Palette, columns: number): string {
  const lines = [
    ...wrap(plainText(message), columns - 2),
    ...(hint?.split('\n') ?? []).flatMap((line) =>
      wrap(`→ ${plainText(line)}`, columns - 2).map(palette.hint),
    ),
  ];
  return lines.map((line, at) => `${at === 0 ? palette.error('✗') : ' '} ${line}\n`).join('');
}
