/**
 * Help from what is declared with cac. cac's own goes to the console, is not wrapped, and lists every command a second
 * time, in one long list.
 */
import type { CAC, Command } from 'cac';
import { type Palette, padEnd, widthOf, wrap } from '../lib/report/mod.ts';

/** Where help is shown. */
export interface HelpStyle {
  readonly columns: number;
  readonly palette: Palette;
}

type Row = readonly [term: string, text: string];

const WIDEST_TERM = 38;

/** Commands on what lies in registries, which need no builds.yaml. */
const ON_REGISTRIES: ReadonlySet<string> = new Set(['inspect', 'digest', 'tag', 'copy', 'push']);

/** `bake-ts --help`, and `bake-ts engine --help` for the commands that start with a word. */
export function formatOverview(cli: CAC, group: string | undefined, style: HelpStyle): string {
  const sections = new Map<string, Row[]>();
  for (const { name, rawName, description } of cli.commands) {
    if (group !== undefined && !name.startsWith(`${group} `)) continue;
    const title = name.includes(' ') ? 'Engine' : ON_REGISTRIES.has(name) ? 'Registries' : 'Commands';
    sections.set(title, [...(sections.get(title) ?? []), [spell(rawName), description]]);
  }
  const words = ['bake-ts', ...(group === undefined ? [] : [group]), '<command>'].join(' ');
  return join([
    ...(group === undefined
      ? ['Bakes many container images with buildctl, and skips what has not changed.']
      : []),
    section('Usage', [`  ${words} [options]`], style),
    ...[...sections].map(([title, rows]) => section(title, layOut(rows, style), style)),
    section('Options', optionRows(cli.globalCommand, style), style),
    `${style.palette.bold(`${words} --help`)} explains a command and its options.`,
  ]);
}

/** `bake-ts run --help`. */
export function formatCommandHelp(cli: CAC, command: Command, style: HelpStyle): string {
  const examples = command.examples.filter((one) => typeof one === 'string');
  return join([
    `${command.description}.`,
    section('Usage', [`  bake-ts ${spell(command.rawName)} [options]`], style),
    ...(command.options.length > 0 ? [section('Options', optionRows(command, style), style)] : []),
    section('Everywhere', optionRows(cli.globalCommand, style), style),
    ...(examples.length > 0 ? [section('Examples', examples, style)] : []),
  ]);
}

function join(sections: readonly string[]): string {
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[], { palette }: HelpStyle): string {
  return [palette.bold(`${title}:`), ...lines].join('\n');
}

function optionRows({ options }: Pick<Command, 'options'>, style: HelpStyle): readonly string[] {
  const rows = options.map(({ rawName, description }): Row => {
    return [rawName.startsWith('--') ? `    ${rawName}` : rawName, description];
  });
  return layOut(rows, style);
}

/** Two columns; a term wider than its column gets a line of its own. */
function layOut(rows: readonly Row[], { columns, palette }: HelpStyle): readonly string[] {
  const width = Math.min(WIDEST_TERM, Math.max(...rows.map(([term]) => widthOf(term))));
  const indent = ' '.repeat(width + 4);
  return rows.flatMap(([term, text]) => {
    const lines = wrap(text, Math.max(24, columns - width - 4));
    if (widthOf(term) > width) return [`  ${palette.info(term)}`, ...lines.map((line) => `${indent}${line}`)];
    return lines.map((line, at) =>
      at === 0 ? `  ${palette.info(padEnd(term, width))}  ${line}` : `${indent}${line}`,
    );
  });
}

/** cac writes `[...builds]` and `<...refs>` where people write `[builds…]` and `<refs…>`. */
function spell(rawName: string): string {
  return rawName.replace(/([[<])\.\.\.([a-z-]+)([\]>])/g, '$1$2…$3');
}
