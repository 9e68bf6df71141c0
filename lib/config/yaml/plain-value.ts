/** What plain scalars mean. */

const INT = /^[-+]?[0-9]+$/;
const BASED_INT = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const SPECIAL_FLOAT = /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/;

/** The value of a plain scalar by YAML's core schema (https://yaml.org/spec/1.2.2/#103-core-schema). */
export function plainValue(text: string): string | number | boolean | null {
  if (isTextByStart(text.charCodeAt(0))) return text;
  switch (text) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
  }
  if (INT.test(text)) return Number.parseInt(text, 10);
  if (BASED_INT.test(text)) return Number(text);
  if (FLOAT.test(text)) return Number.parseFloat(text);
  if (SPECIAL_FLOAT.test(text)) {
    if (text.toLowerCase() === '.nan') return Number.NaN;
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return text;
}

/** Nearly all scalars are text, and of most the first character shows it: it begins no number, `~`, null, true, false. */
function isTextByStart(code: number): boolean {
  if (code < 97) return code > 57 && code !== 70 && code !== 78 && code !== 84;
  return code !== 102 && code !== 110 && code !== 116 && code !== 126;
}
