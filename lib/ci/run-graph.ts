/** The builds of a run as a Mermaid flowchart, coloured by result; arrows point from dependencies to dependents. */
import type { Outcome } from '../model/mod.ts';
import { formatDuration } from '../report/mod.ts';
import type { BuildTimeline } from '../timeline/mod.ts';

/** More builds are unreadable in the width of a Markdown page. */
const MOST_BUILDS = 60;
/** Mermaid draws at most 500 edges unless its page is configured otherwise. */
const MOST_EDGES = 400;

type Kind = Outcome['kind'] | 'open';

/** Fill, border and text colour of each; readable on light and dark pages. */
const COLOURS: Readonly<Record<Kind, readonly [string, string, string]>> = {
  built: ['#1a7f37', '#116329', '#ffffff'],
  retagged: ['#0969da', '#0550ae', '#ffffff'],
  unchanged: ['#eaeef2', '#8c959f', '#24292f'],
  failed: ['#cf222e', '#a40e26', '#ffffff'],
  blocked: ['#fff8c5', '#9a6700', '#24292f'],
  cancelled: ['#fff8c5', '#9a6700', '#24292f'],
  open: ['#ffffff', '#8c959f', '#24292f'],
};

/**
 * Draws the builds; if there are too many, only those that are not unchanged.
 *
 * @returns undefined if there is nothing to see (no arrow, one build), or too much
 */
export function drawRun(builds: readonly BuildTimeline[]): string | undefined {
  const shown =
    builds.length <= MOST_BUILDS
      ? builds
      : builds.filter(({ outcome }) => outcome === undefined || outcome.kind !== 'unchanged');
  const ids = new Map(shown.map(({ build }, at) => [build, `b${at}`]));
  const edges = shown.flatMap(({ build, needs }) =>
    needs.flatMap((parent) => {
      const from = ids.get(parent);
      return from === undefined ? [] : [`  ${from} --> ${ids.get(build)}`];
    }),
  );
  if (shown.length < 2 || shown.length > MOST_BUILDS || edges.length === 0 || edges.length > MOST_EDGES)
    return undefined;
  const kinds = new Map<Kind, string[]>();
  const nodes = shown.map((one) => {
    const id = ids.get(one.build) ?? '';
    const kind = one.outcome?.kind ?? 'open';
    kinds.set(kind, [...(kinds.get(kind) ?? []), id]);
    return `  ${id}["${escapeMermaid(labelOf(one))}"]`;
  });
  const classes = [...kinds].flatMap(([kind, members]) => {
    const [fill, stroke, color] = COLOURS[kind];
    return [
      `  classDef ${kind} fill:${fill},stroke:${stroke},color:${color}`,
      `  class ${members.join(',')} ${kind}`,
    ];
  });
  return ['flowchart LR', ...nodes, ...edges, ...classes].join('\n');
}

function labelOf({ build, outcome }: BuildTimeline): string {
  if (outcome === undefined) return build;
  const took = outcome.kind === 'built' || outcome.kind === 'failed';
  return `${build} · ${took ? formatDuration(outcome.durationMs) : outcome.kind}`;
}

/** In Mermaid, `#code;` stands for a special character. */
function escapeMermaid(text: string): string {
  return text.replace(/[^\w.\-· ]/gu, (one) => `#${one.codePointAt(0)};`);
}
