/** The report page: a run or a plan as one HTML file that needs only a browser. */
export { collectLogs, type LogCollector } from './collect-logs.ts';
export { fitLogs } from './fit-logs.ts';
export type { BuildLog, LogPart, PageExtra, PreviousBuild } from './page-data.ts';
export { renderPage } from './render.ts';
