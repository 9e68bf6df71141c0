/** Comma-separated fields as in buildctl and buildx: one line, with quotes around fields that contain a comma. */

/** Splits one line; undefined if a quote is not closed. Quotes within a quoted field are doubled (RFC 4180). */
export function splitCsv(line: string): readonly string[] | undefined {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (quoted) {
      if (char !== '"') field += char;
      else if (line[at + 1] === '"') {
        field += '"';
        at++;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      fields.push(field);
      field = '';
    } else field += char;
  }
  if (quoted) return undefined;
  fields.push(field);
  return fields;
}

/** `key=value` fields as pairs in order; the value of a field without `=` is undefined. */
export function parseFields(line: string): readonly (readonly [string, string | undefined])[] | undefined {
  return splitCsv(line)?.map((field) => {
    const equals = field.indexOf('=');
    if (equals === -1) return [field.trim(), undefined] as const;
    return [field.slice(0, equals).trim(), field.slice(equals + 1)] as const;
  });
}

/** One line of CSV for Go's encoding/csv: fields with a comma, a quote or a line break are quoted. */
export function formatCsv(fields: readonly string[]): string {
  return fields
    .map((field) => (/[",\r\n]|^\s/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}
