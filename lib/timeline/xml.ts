/** Text in XML 1.0. */
import { stripVTControlCharacters } from 'node:util';
import { CONTROL } from '../util/control-characters.ts';

/** Characters that XML 1.0 cannot represent, besides control characters (https://www.w3.org/TR/xml/#charsets). */
const UNWRITABLE = /\p{Surrogate}|[\ufffe\uffff]/gu;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\t': '&#9;',
};

/**
 * Text of an element: without escape sequences; if carriage returns overwrite a line, with its last state; with control
 * characters, also those that reorder text, as `·`.
 */
export function xmlText(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => {
      const whole = line.replace(/\r+$/, '');
      return whole.slice(whole.lastIndexOf('\r') + 1);
    });
  return lines
    .join('\n')
    .replace(CONTROL, (one) => (one === '\n' || one === '\t' ? one : '·'))
    .replace(UNWRITABLE, '\ufffd')
    .replace(/[&<>]/g, (one) => ESCAPES[one] ?? one);
}

/** The same as a quoted attribute value; line breaks are kept. */
export function xmlValue(text: string): string {
  return `"${xmlText(text).replace(/["\n\t]/g, (one) => ESCAPES[one] ?? one)}"`;
}

/** An element; attributes without a value are omitted. */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  content: readonly string[],
): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}=${xmlValue(value)}`],
  );
  const open = `<${name}${written.join('')}`;
  return content.length === 0 ? `${open}/>` : `${open}>${content.join('')}</${name}>`;
}
