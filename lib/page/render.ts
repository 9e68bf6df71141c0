/** Renders a timeline as one HTML file. */
import { stripVTControlCharacters } from 'node:util';
import { buildsToRunAgain } from '../model/mod.ts';
import type { RunTimeline } from '../timeline/mod.ts';
import { escapeHtml } from '../util/html.ts';
import { shellWord } from '../util/shell.ts';
import { fitLogs, sizeOfLog } from './fit-logs.ts';
import { type Headline, makeHeadline } from './headline.ts';
import type { BuildLog, PageApp, PageData, PageExtra } from './page-data.ts';

/**
 * Makes the page: data, script and style in one text that works from `file://` and makes no requests. Names and output
 * of builds are embedded as JSON or escaped text, never as markup.
 */
export async function renderPage(timeline: RunTimeline, extra: PageExtra = {}): Promise<string> {
  const { default: app } = await import('./generated/app.json', { with: { type: 'json' } });
  const logs = fitLogs(
    extra.logs ?? new Map(),
    new Map(timeline.builds.map(({ build, outcome }) => [build, outcome])),
  );
  const logsByIndex = timeline.builds.flatMap(({ build }, at) => {
    const log = logs.get(build);
    return log === undefined ? [] : [[at, log] as const];
  });
  const data: PageData = {
    kind: extra.kind ?? 'run',
    timeline,
    previous: Object.fromEntries(extra.previous ?? []),
    environment: extra.environment ?? [],
    rerun: extra.rerun ?? rerunCommand(timeline),
    logsCommand: extra.logsCommand ?? 'bake-ts logs',
    logs: Object.fromEntries(
      logsByIndex.map(([at, log]) => [at, { size: sizeOfLog(log), omitted: log.omitted }]),
    ),
  };
  return assemble(app, data, logsByIndex);
}

function assemble(app: PageApp, data: PageData, logs: readonly (readonly [number, BuildLog])[]): string {
  const headline = makeHeadline(data.timeline, data.kind);
  const policy = [
    "default-src 'none'",
    `script-src '${app.scriptHash}'`,
    `style-src '${app.styleHash}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(headline.title)} · bake-ts</title>`,
    `<link rel="icon" href="${icon(headline.tone)}">`,
    `<style>${app.style}</style>`,
    '</head>',
    '<body>',
    `<div id="app">${renderStatic(headline, data.timeline)}</div>`,
    jsonElement('run', data),
    ...logs.map(([at, log]) => jsonElement(`log-${at}`, log)),
    `<script>${app.script}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Shown where scripts do not run, as on the artifact pages of some CI systems, and until the script has started. */
function renderStatic(headline: Headline, timeline: RunTimeline): string {
  const failures = timeline.builds.flatMap(({ build, outcome }) =>
    outcome?.kind === 'failed'
      ? [
          `<section><h2>${escapeHtml(build)}</h2><p>${escapeHtml(outcome.problem?.message ?? 'failed')}</p>`,
          `<pre>${escapeHtml(stripVTControlCharacters(outcome.problem?.detail ?? ''))}</pre></section>`,
        ]
      : [],
  );
  return [
    `<main class="static"><h1>${escapeHtml(headline.title)}</h1>`,
    `<p>${escapeHtml(headline.facts.join(' · '))}</p>`,
    ...failures,
    '<p>The rest of this page (timeline, graph, table, logs) needs JavaScript.</p></main>',
  ].join('');
}

/** JSON that no text can break out of: without `<` there are no end tags or comments. */
function jsonElement(id: string, value: unknown): string {
  const json = JSON.stringify(value).replaceAll('<', '\\u003c');
  return `<script type="application/json" id="${id}">${json}</script>`;
}

/** A dot in the colour of the result, to distinguish tabs of different runs. */
function icon(tone: Headline['tone']): string {
  const colour = { good: '1a7f4b', bad: 'd1343f', open: '5b6b82' }[tone];
  const svg = `%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23${colour}'/%3E%3C/svg%3E`;
  return `data:image/svg+xml,${svg}`;
}

function rerunCommand({ builds, files, command }: RunTimeline): string {
  const again = buildsToRunAgain(builds);
  if (again === undefined && command !== undefined) return ['bake-ts', ...command].map(shellWord).join(' ');
  const others = files.filter((file) => !/(^|\/)builds\.yaml$/.test(file) || files.length > 1);
  const names = again ?? builds.filter(({ role }) => role === 'asked').map(({ build }) => build);
  const words = [...others.flatMap((file) => ['-f', file]), ...names];
  return ['bake-ts', 'run', ...words.map(shellWord)].join(' ');
}
