/** Text in XML 1.0. */
import { stripVTControlCharacters } from 'node:util';
import { CONTROL } from '../util/control-characters.ts';

/** What XML 1.0 has no way to write, once control characters are gone (https://www.w3.org/TR/xml/#charsets). */
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
 * Text of an element: escape sequences of terminals are gone, of a line that was overwritten by carriage returns the last state
 * is left, and control characters, also those that reorder text, are drawn as `·`.
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

/** The same as value of an attribute, in its quotes; line breaks stay line breaks. */
export function xmlValue(text: string): string {
  return `"${xmlText(text).replace(/["\n\t]/g, (one) => ESCAPES[one] ?? one)}"`;
}

/** An element; attributes without a value are left out. */
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
