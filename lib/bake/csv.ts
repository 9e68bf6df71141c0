/** Parses one line of CSV like buildx, which allows no quotes inside a field (github.com/tonistiigi/go-csvvalue). */
import { fail, ok, type Result } from '../model/mod.ts';

/** The fields of a line, or the problem as text. One line break at its end is ignored. */
export function readCsv(text: string, comma = ','): Result<readonly string[], string> {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') return fail('it is empty');
  const fields: string[] = [];
  let at = 0;
  while (true) {
    const field = line[at] === '"' ? readQuoted(line, at) : readBare(line, at, comma);
    if (typeof field === 'string') return fail(field);
    fields.push(field.value);
    if (field.end === line.length) return ok(fields);
    if (line[field.end] !== comma) return fail('text follows a closing quote');
    at = field.end + 1;
  }
}

interface Field {
  readonly value: string;
  readonly end: number;
}

function readBare(line: string, start: number, comma: string): Field | string {
  const found = line.indexOf(comma, start);
  const end = found === -1 ? line.length : found;
  const value = line.slice(start, end);
  return value.includes('"') ? 'an unquoted field contains a quote' : { value, end };
}

function readQuoted(line: string, start: number): Field | string {
  let value = '';
  let at = start + 1;
  while (true) {
    const quote = line.indexOf('"', at);
    if (quote === -1) return 'a quote is not closed';
    value += line.slice(at, quote);
    if (line[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
