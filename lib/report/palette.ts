/**
 * Colours by what they mean. Whether to colour is decided once, by whoever knows the terminal and the environment
 * (`NO_COLOR`, `FORCE_COLOR`); here it is a plain boolean, and without colour every function gives its text back.
 */
import { styleText } from 'node:util';

type Format = Extract<Parameters<typeof styleText>[0], readonly unknown[]>;

/** Paints one piece of text. */
export type Paint = (text: string) => string;

/** What the reporters can express with colour. */
export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly error: Paint;
  readonly warning: Paint;
  readonly good: Paint;
  readonly info: Paint;
  readonly hint: Paint;
  /** A stable colour for a build's name, so that its lines can be distinguished from its neighbours'. */
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
  // validateStream: styleText would otherwise ask process.stdout and the environment, which are not ours to ask.
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
