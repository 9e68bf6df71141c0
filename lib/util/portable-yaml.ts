/**
 * YAML that every tool reads as the same text, also those that follow YAML 1.1 and those that know nothing of `${{ … }}`.
 */
import { hasControls } from './control-characters.ts';

/**
 * Texts that YAML 1.1 takes for something else (https://yaml.org/type/): booleans, null, numbers (also to the base of 60),
 * dates, `<<` and `=`; what begins or ends a document; and what PyYAML refuses between `{` and `}`.
 */
const NOT_TEXT = [
  /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?)$/i,
  // By the letter a lone point is a number, too, which no reader takes it for, and `context: .` is what people write.
  /^(?!\.$)[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*|(?:\.[0-9_]*)?e[-+]?[0-9]+)$|^[-+]?\.(?:inf|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$/,
  /^(?:---|\.\.\.|:)|\?/,
];

/**
 * The quotes (in the words of the `yaml` package) that a text needs for some tool though that package would give it none;
 * any text that holds an expression gets some. Text of several lines gets none where it is fit for a block.
 */
export function quotesFor(text: string): 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | undefined {
  if (hasControls(text)) return 'QUOTE_DOUBLE';
  // A block loses blanks on lines that hold nothing else.
  if (text.includes('\n')) return /^[ \t]|\n[ \t]+(?:\n|$)/.test(text) ? 'QUOTE_DOUBLE' : undefined;
  if (!/\$\{\{|\t/.test(text) && !NOT_TEXT.some((form) => form.test(text))) return undefined;
  return /["\\]/.test(text) && !/['\t]/.test(text) ? 'QUOTE_SINGLE' : 'QUOTE_DOUBLE';
}
