/** YAML that every tool reads as the same text, also tools for YAML 1.1 and tools that do not know `${{ … }}`. */
import { hasControls } from './control-characters.ts';

/**
 * Text that YAML 1.1 reads as something else (https://yaml.org/type/): booleans, null, numbers (also base 60), dates,
 * `<<` and `=`; starts and ends of documents; and text that PyYAML rejects between `{` and `}`.
 */
const NOT_TEXT = [
  /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?)$/i,
  // By the specification a single dot is a number, too, but no parser reads it as one, and `context: .` is common.
  /^(?!\.$)[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*|(?:\.[0-9_]*)?e[-+]?[0-9]+)$|^[-+]?\.(?:inf|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$/,
  /^(?:---|\.\.\.|:)|\?/,
];

/**
 * The quotes (as named by the `yaml` package) that a text needs for some tool although that package would not add them.
 * Text with an expression is always quoted. Multi-line text is not quoted if it fits into a block.
 */
export function quotesFor(text: string): 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | undefined {
  if (hasControls(text)) return 'QUOTE_DOUBLE';
  // Blocks lose spaces on otherwise empty lines.
  if (text.includes('\n')) return /^[ \t]|\n[ \t]+(?:\n|$)/.test(text) ? 'QUOTE_DOUBLE' : undefined;
  if (!/\$\{\{|\t/.test(text) && !NOT_TEXT.some((form) => form.test(text))) return undefined;
  return /["\\]/.test(text) && !/['\t]/.test(text) ? 'QUOTE_SINGLE' : 'QUOTE_DOUBLE';
}
