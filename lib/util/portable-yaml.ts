/**
 * YAML that every tool reads as the same text, also those that follow YAML 1.1 and those that know nothing of `${{ … }}`.
 */
import type { Scalar } from 'yaml';
import { hasControls } from './control-characters.ts';

/**
 * Texts that YAML 1.1 takes for something else (https://yaml.org/type/): booleans, null, numbers (also to the base of 60),
 * dates, `<<` and `=`; what begins or ends a document; and what PyYAML refuses between `{` and `}`.
 */
const NOT_TEXT = [
  /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=)$/i,
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?)$/i,
  /^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:e[-+]?[0-9]+)?$|^[-+]?\.(?:inf|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?$/,
  /^(?:---|\.\.\.|:)|\?/,
];

/** Quotes a text where the `yaml` package would not and another tool needs it; always where it holds an expression. */
export function quotePortably(scalar: Scalar): void {
  const { value } = scalar;
  if (typeof value !== 'string') return;
  if (hasControls(value)) scalar.type = 'QUOTE_DOUBLE';
  else if (value.includes('\n')) return;
  else if (/\$\{\{|\t/.test(value) || NOT_TEXT.some((form) => form.test(value))) {
    scalar.type = /["\\]/.test(value) && !/['\t]/.test(value) ? 'QUOTE_SINGLE' : 'QUOTE_DOUBLE';
  }
}
