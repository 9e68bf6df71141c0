/**
 * Help from cac's declarations. cac's own writes to the console whatever the terminal's width; this one gives text,
 * wraps it, and leaves out the list of "for more info" lines.
 */
import type { CAC, Command } from 'cac';
import { type Palette, padEnd, widthOf, wrap } from '../lib/report/mod.ts';

const WIDEST_TERM = 38;

/** Verbs on what lies in registries, which need no builds.yaml. */
const REGISTRY_VERBS: ReadonlySet<string> = new Set(['inspect', 'digest', 'tag', 'copy', 'push']);

function groupOf(name: string): string {
  if (name.includes(' ')) return 'Engine';
  return REGISTRY_VERBS.has(name) ? 'Registries' : 'Commands';
}

/** `bake-ts --help`. */
export function formatOverview(cli: CAC, columns: number, palette: Palette): string {
  const groups = new Map<string, Command[]>();
  for (const command of cli.commands) {
    const group = groupOf(command.name);
    groups.set(group, [...(groups.get(group) ?? []), command]);
  }
  return [
    'Bakes many container images with buildctl, and leaves alone what has not changed.',
    section(
      'Usage',
      ['bake-ts <command> [options]'].map((line) => `  ${line}`),
      palette,
    ),
    ...[...groups].map(([title, commands]) =>
      section(
        title,
        rows(
          commands.map((one) => [spell(one.rawName), one.description]),
          columns,
          palette,
        ),
        palette,
      ),
    ),
    section('Options', optionRows(cli.globalCommand, columns, palette), palette),
    `${palette.bold('bake-ts <command> --help')} explains a command and its options.`,
    '',
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n');
}

/** `bake-ts engine`, `bake-ts engine --help`: the verbs that start with a word. */
export function formatGroup(cli: CAC, word: string, columns: number, palette: Palette): string {
  const commands = cli.commands.filter((one) => one.name.startsWith(`${word} `));
  return `${[
    section('Usage', [`  bake-ts ${word} <command> [options]`], palette),
    section(
      'Commands',
      rows(
        commands.map((one) => [spell(one.rawName), one.description]),
        columns,
        palette,
      ),
      palette,
    ),
    section('Options', optionRows(cli.globalCommand, columns, palette), palette),
  ].join('\n\n')}\n`;
}

/** `bake-ts run --help`. */
export function formatCommandHelp(cli: CAC, command: Command, columns: number, palette: Palette): string {
  const sections = [
    `${command.description}.`,
    section('Usage', [`  bake-ts ${spell(command.rawName)} [options]`], palette),
  ];
  if (command.options.length > 0)
    sections.push(section('Options', optionRows(command, columns, palette), palette));
  sections.push(section('Everywhere', optionRows(cli.globalCommand, columns, palette), palette));
  const examples = command.examples.filter((one) => typeof one === 'string');
  if (examples.length > 0) sections.push(section('Examples', examples, palette));
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[], palette: Palette): string {
  return [palette.bold(`${title}:`), ...lines].join('\n');
}

function optionRows(command: Command, columns: number, palette: Palette): readonly string[] {
  return rows(
    command.options.map((one) => [
      one.rawName.startsWith('--') ? `    ${one.rawName}` : one.rawName,
      one.description,
    ]),
    columns,
    palette,
  );
}

/** Two columns; a term wider than its column stands on a line of its own. */
function rows(
  pairs: readonly (readonly [string, string])[],
  columns: number,
  palette: Palette,
): readonly string[] {
  const width = Math.min(WIDEST_TERM, Math.max(...pairs.map(([term]) => widthOf(term))));
  const indent = ' '.repeat(width + 4);
  return pairs.flatMap(([term, text]) => {
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
