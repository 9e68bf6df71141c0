/** Comma-separated values with several lines, as Go's encoding/csv reads them (https://pkg.go.dev/encoding/csv). */

/** The records, or why the text has none. */
export type CsvRecords =
  | { readonly ok: true; readonly rows: readonly (readonly string[])[] }
  | { readonly ok: false; readonly message: string };

/** Reads all records; empty lines are none. */
export function readCsv(text: string): CsvRecords {
  const body = text.replaceAll('\r\n', '\n').replace(/\r$/, '');
  const rows: string[][] = [];
  let at = 0;
  while (at < body.length) {
    if (body[at] === '\n') {
      at++;
      continue;
    }
    const record = readRecord(body, at);
    if (typeof record === 'string') return { ok: false, message: `${record} (record ${rows.length + 1})` };
    rows.push(record.fields);
    at = record.end;
  }
  return { ok: true, rows };
}

function readRecord(text: string, start: number): { fields: string[]; end: number } | string {
  const fields: string[] = [];
  for (let at = start; ; ) {
    const field = text[at] === '"' ? readQuoted(text, at + 1) : readPlain(text, at);
    if (typeof field === 'string') return field;
    fields.push(field.value);
    if (text[field.end] === ',') at = field.end + 1;
    else return { fields, end: field.end + 1 };
  }
}

function readPlain(text: string, start: number): { value: string; end: number } | string {
  let end = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end++;
  const value = text.slice(start, end);
  return value.includes('"') ? 'an unquoted field contains a quote' : { value, end };
}

function readQuoted(text: string, start: number): { value: string; end: number } | string {
  let value = '';
  for (let at = start; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return 'a quote is not closed';
    value += text.slice(at, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ',' || next === '\n') return { value, end: quote + 1 };
    if (next !== '"') return 'text follows a closing quote';
    value += '"';
    at = quote + 2;
  }
}
