/** `explain` as text: first what would happen and why, then what changed, what is part of the key, and where things are. */

import type { ExplainedInputs, ExplainedTag, Explanation, NamedValue } from '../lib/inspect/mod.ts';
import {
  formatBytes,
  formatDuration,
  type Palette,
  padEnd,
  plainText,
  plural,
  shortDigest,
  widthOf,
} from '../lib/report/mod.ts';

/** How to format explanations. */
export interface ExplainStyle {
  readonly palette: Palette;
  /** Show everything about the named builds; else a line or a few for each. */
  readonly whole: boolean;
  readonly now: Date;
}

/** Most differences shown for a build that is not explained in full. */
const FEW = 5;
const INDENT = '  ';

/** Formats all explanations in the order of the plan. Dependencies follow as single lines. */
export function formatExplanations(builds: readonly Explanation[], style: ExplainStyle): string {
  if (!style.whole) return `${builds.map((one) => `${briefly(one, style)}\n`).join('')}\n${totals(builds)}\n`;
  const requested = builds.filter((one) => one.role === 'asked');
  const dependencies = builds.filter((one) => one.role === 'needed');
  const sections = requested.map((one) => wholly(one, style));
  if (dependencies.length > 0) {
    const lines = dependencies.map((one) => headOf(one, style));
    sections.push(
      `${style.palette.bold('Dependencies')}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`,
    );
  }
  return sections.join('\n');
}

function briefly(one: Explanation, style: ExplainStyle): string {
  const lines = [headOf(one, style)];
  if (one.reason?.code === 'changed' && one.differences.total > 1) {
    const rest = one.differences.total - FEW;
    lines.push(...one.differences.items.slice(0, FEW).map((item) => `${INDENT}${plainText(item)}`));
    if (rest > 0) lines.push(`${INDENT}and ${rest} more: bake-ts explain ${one.build}`);
  }
  for (const { what } of one.untracked) lines.push(`${INDENT}${plainText(what)}`);
  return lines.join('\n');
}

/** Name, decision and reason on one line. */
function headOf(one: Explanation, { palette }: ExplainStyle): string {
  const [word, paint] = (
    {
      build: ['will be built', palette.warning],
      depends: ['depends', palette.warning],
      rebase: ['gets another config', palette.info],
      retag: ['gets its tags', palette.info],
      unchanged: ['is up to date', palette.good],
      impossible: ['cannot be built', palette.error],
    } as const
  )[one.decision];
  const why =
    one.reason?.text ??
    one.problem?.message ??
    (one.blockedBy === undefined ? '' : `it depends on ${one.blockedBy}, which cannot be built`);
  return `${palette.bold(one.build)} ${paint(word)}: ${plainText(why)}`;
}

function wholly(one: Explanation, style: ExplainStyle): string {
  const { palette } = style;
  const parts = [headOf(one, style)];
  for (const item of one.reason?.code === 'untracked' || one.decision === 'depends'
    ? []
    : (one.reason?.items ?? []))
    parts.push(`${INDENT}${plainText(item)}`);
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0)
      parts.push('', `${INDENT}${palette.bold(title)}`, ...lines.map((line) => `${INDENT}${INDENT}${line}`));
  };
  section('Changed since its last success here', differenceLines(one));
  section(
    'Not known, so it is built each time',
    one.untracked.flatMap(({ what, remedy }) => [
      plainText(what),
      ...(remedy === undefined ? [] : [palette.hint(`→ ${remedy}`)]),
    ]),
  );
  section('Inputs', one.inputs === undefined ? [] : columns(inputRows(one.inputs), palette));
  section(
    one.pushes ? 'In the registry' : 'Registry',
    one.pushes ? one.tags.map((tag) => tagLine(tag, palette)) : ['it is not pushed'],
  );
  section(
    one.last?.sameInputs === true ? 'Built from these inputs' : 'Last built here',
    lastLines(one, style.now),
  );
  return `${parts.join('\n')}\n`;
}

function differenceLines({ differences, decision }: Explanation): readonly string[] {
  const { known, items, total } = differences;
  if (!known) return [];
  if (total === 0) return ['nothing'];
  const lines = items.map(plainText);
  if (total > items.length) lines.push(`and ${total - items.length} more`);
  if (decision === 'unchanged' || decision === 'retag')
    lines.push('(but it was built before from the inputs as they are now)');
  return lines;
}

type Row = readonly [name: string, text: string];

function inputRows(inputs: ExplainedInputs): readonly Row[] {
  const { dockerfile, target, platforms } = inputs;
  return [
    ['Dockerfile', dockerfile],
    ['target', target ?? '(last stage)'],
    ['platforms', platforms.length === 0 ? "(the engine's own)" : platforms.join(', ')],
    ...list('args', inputs.args.map(valueText)),
    ...inputs.contexts.map(
      ({ name, source, files, bytes }): Row => [
        name === 'context' ? 'context' : `context ${name}`,
        `${source}: ${plural(files, 'file')}, ${formatBytes(bytes)}`,
      ],
    ),
    ...list(
      'images',
      inputs.images.map(
        ({ image, digest, locked }) => `${image} = ${shortDigest(digest)}${locked ? ' (builds.lock)' : ''}`,
      ),
    ),
    ...list(
      'builds',
      inputs.parents.map(({ name, build, digest }) => {
        const as = name === build ? build : `${build} as ${name}`;
        return `${as} = ${digest === undefined ? '(built first)' : digest.split(' ').map(shortParent).join(' ')}`;
      }),
    ),
    ...list('options', inputs.options.map(valueText)),
  ];
}

/** `linux/amd64=sha256:…` if there are several platforms. */
function shortParent(digest: string): string {
  const [platform, own] = digest.split('=');
  return own === undefined ? shortDigest(digest) : `${platform}=${shortDigest(own)}`;
}

function valueText(value: NamedValue): string {
  return 'hidden' in value ? `${value.name} (hidden)` : `${value.name}=${value.value}`;
}

function list(name: string, texts: readonly string[]): readonly Row[] {
  return texts.map((text, at): Row => [at === 0 ? name : '', text]);
}

function columns(rows: readonly Row[], palette: Palette): readonly string[] {
  const width = Math.max(...rows.map(([name]) => widthOf(plainText(name))));
  return rows.map(([name, text]) => `${palette.dim(padEnd(plainText(name), width))}  ${plainText(text)}`);
}

function tagLine({ ref, state, digest, why }: ExplainedTag, palette: Palette): string {
  const short = digest === undefined ? '' : shortDigest(digest);
  const texts: Readonly<Record<ExplainedTag['state'], string>> = {
    right: palette.good(`has the image (${short})`),
    other: palette.warning(`has another image (${short})`),
    there: `has an image (${short})`,
    missing: palette.warning('is missing'),
    unknown: palette.error(`is not known: ${plainText(why ?? '')}`),
  };
  return `${ref} ${texts[state]}`;
}

function lastLines({ last }: Explanation, now: Date): readonly string[] {
  if (last === undefined) return [];
  const { total, cached } = last.steps;
  const size = last.sizeBytes === undefined ? '' : `, ${formatBytes(last.sizeBytes)}`;
  return [
    `${ageOf(last.finishedAt, now)}, in ${formatDuration(last.durationMs)} (${cached} of ${plural(total, 'step')} from the cache)`,
    `${last.digest}${size}`,
  ];
}

function ageOf(finishedAt: string, now: Date): string {
  const ms = now.getTime() - Date.parse(finishedAt);
  const at = finishedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  return ms >= 0 && Number.isFinite(ms) ? `${at}, ${formatDuration(ms)} ago` : at;
}

function totals(builds: readonly Explanation[]): string {
  const count = (decision: Explanation['decision']): number =>
    builds.filter((one) => one.decision === decision).length;
  const parts = [
    [count('build'), 'to build'],
    [count('depends'), 'to build if a dependency changes'],
    [count('rebase'), 'that get another config without a build'],
    [count('retag'), 'to tag'],
    [count('unchanged'), 'up to date'],
    [count('impossible'), 'that cannot be built'],
  ] as const;
  return parts.flatMap(([many, text]) => (many === 0 ? [] : [`${many} ${text}`])).join(', ');
}
