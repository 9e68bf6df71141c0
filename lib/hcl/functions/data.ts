/** Functions that read and write JSON, CSV and encodings. */
import { Buffer } from 'node:buffer';
import { fromJsonText, toJsonText } from '../json.ts';
import { DYNAMIC, objectType, STRING } from '../types.ts';
import type { FunctionResult, Value } from '../value.ts';
import { listOf, objectOf, textValue } from '../values.ts';
import { readCsv } from './csv.ts';
import { type Definitions, done, failed, textOf } from './define.ts';

const STR = { name: 'str', type: STRING };

export const DATA_FUNCTIONS: Definitions = {
  jsonencode: {
    parameters: [{ name: 'val', type: DYNAMIC, nullable: true }],
    run: ([value]) => {
      const json = toJsonText(value as Value);
      return json === undefined ? failed('JSON cannot hold an infinite number', 0) : done(textValue(json));
    },
  },
  jsondecode: {
    parameters: [STR],
    run: ([text]) => {
      const value = fromJsonText(textOf(text));
      return value.ok ? value : { ...value, argument: 0 };
    },
  },
  csvdecode: { parameters: [STR], run: ([text]) => csvDecode(textOf(text)) },
  base64encode: {
    parameters: [STR],
    run: ([text]) => done(textValue(Buffer.from(textOf(text), 'utf8').toString('base64'))),
  },
  base64decode: {
    parameters: [STR],
    run: ([text]) => {
      const bytes = fromBase64(textOf(text));
      if (bytes === undefined) return failed('it is not Base64', 0);
      const decoded = fromUtf8(bytes);
      return decoded === undefined ? failed('the decoded value is not text', 0) : done(textValue(decoded));
    },
  },
  urlencode: {
    parameters: [STR],
    run: ([text]) => {
      const escaped = encodeURIComponent(textOf(text)).replace(
        /[!'()*]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
      );
      return done(textValue(escaped.replaceAll('%20', '+')));
    },
  },
};

function csvDecode(text: string): FunctionResult {
  const rows = readCsv(text);
  if (!rows.ok) return failed(rows.message, 0);
  const [header, ...records] = rows.rows;
  if (header === undefined) return failed('it has no header line', 0);
  const twice = header.find((name, at) => header.indexOf(name) !== at);
  if (twice !== undefined) return failed(`two columns have the name ${JSON.stringify(twice)}`, 0);
  const wrong = records.findIndex((record) => record.length !== header.length);
  if (wrong !== -1)
    return failed(`record ${wrong + 1} has a different number of fields than the first line`, 0);
  const type = objectType(new Map(header.map((name) => [name.normalize('NFC'), STRING])));
  const values = records.map((record) =>
    objectOf(header.map((name, at) => [name, textValue(record[at] ?? '')] as const)),
  );
  return done(listOf(values[0]?.type ?? type, values));
}

/** The bytes of Base64 with its padding; line ends are passed over. Undefined where it is none. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/[\r\n]/g, '');
  if (bare.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) return undefined;
  return Buffer.from(bare, 'base64');
}

/** The text of bytes in UTF-8; undefined where they are none. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
