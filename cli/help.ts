/**
 * Formats help from the declarations. cac's own help goes to the console, is not wrapped, and lists every command
 * twice.
 */
import type { CAC, Command } from 'cac';
import { type Palette, padEnd, widthOf, wrap } from '../lib/report/mod.ts';
import { GROUPS, notesOf } from './declare/shared.ts';

/** Where help is shown. */
export interface HelpStyle {
  readonly columns: number;
  readonly palette: Palette;
}

type Row = readonly [term: string, text: string];

const WIDEST_TERM = 38;

/** `bake-ts --help`, and `bake-ts engine --help` for commands that start with this word. */
export function formatOverview(cli: CAC, word: string | undefined, style: HelpStyle): string {
  const shown = cli.commands.filter(({ name }) => word === undefined || name.startsWith(`${word} `));
  const sections = GROUPS.flatMap((group) => {
    const rows = shown
      .filter((command) => notesOf(command).group === group)
      .map(({ rawName, description }): Row => [spell(rawName), description]);
    return rows.length === 0 ? [] : [section(group, layOut(rows, style), style)];
  });
  const words = ['bake-ts', ...(word === undefined ? [] : [word]), '<command>'].join(' ');
  const topic = word === undefined ? '' : ` ${notesOf(shown[0] ?? cli.globalCommand).topic}`;
  return join([
    ...(word === undefined
      ? ['Builds many container images with buildctl, and skips those that have not changed.']
      : []),
    section('Usage', [`  ${words} [options]`], style),
    ...sections,
    section('Options', optionRows(cli.globalCommand, style), style),
    `Options of a command: ${style.palette.bold(`${words} --help`)}\n${more(topic, style)}`,
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
    more(` ${notesOf(command).topic}`, style),
  ]);
}

/** Where to read more. */
function more(topic: string, { palette }: HelpStyle): string {
  return `More: ${palette.bold(`bake-ts docs${topic}`)}`;
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

/** Two columns. A term wider than its column gets its own line. */
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
export function spell(rawName: string): string {
  return rawName.replace(/([[<])\.\.\.([a-z-]+)([\]>])/g, '$1$2…$3');
}
