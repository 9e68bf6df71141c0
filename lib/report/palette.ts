/**
 * Colours by meaning. The caller, who knows the terminal and the environment (`NO_COLOR`, `FORCE_COLOR`), decides
 * whether to colour; without colour every function returns its text unchanged.
 */
import { styleText } from 'node:util';

type Format = Extract<Parameters<typeof styleText>[0], readonly unknown[]>;

/** Paints one piece of text. */
export type Paint = (text: string) => string;

/** The colours that the reporters use. */
export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly error: Paint;
  readonly warning: Paint;
  readonly good: Paint;
  readonly info: Paint;
  readonly hint: Paint;
  /** A stable colour for a build's name, to distinguish it from others. */
  readonly name: (build: string, text: string) => string;
}

const NAME_COLOURS: readonly Format[] = [
  ['cyan'],
  ['magenta'],
  ['blue'],
  ['yellow'],
  ['green'],
  ['cyanBright'],
  ['magentaBright'],
  ['blueBright'],
];

function same(text: string): string {
  return text;
}

function painter(format: Format): Paint {
  // validateStream: otherwise styleText would check process.stdout and the environment.
  return (text) => (text === '' ? text : styleText(format, text, { validateStream: false }));
}

const PLAIN: Palette = {
  bold: same,
  dim: same,
  error: same,
  warning: same,
  good: same,
  info: same,
  hint: same,
  name: (_build, text) => text,
};

const namePaints = NAME_COLOURS.map(painter);

const COLOURED: Palette = {
  bold: painter(['bold']),
  dim: painter(['dim']),
  error: painter(['bold', 'red']),
  warning: painter(['bold', 'yellow']),
  good: painter(['green']),
  info: painter(['cyan']),
  hint: painter(['bold', 'cyan']),
  name: (build, text) => {
    let sum = 0;
    for (let at = 0; at < build.length; at += 1) sum = (sum * 31 + build.charCodeAt(at)) >>> 0;
    return (namePaints[sum % namePaints.length] ?? same)(text);
  },
};

/** The palette for a terminal with or without colour. */
export function createPalette(color: boolean): Palette {
  return color ? COLOURED : PLAIN;
}
