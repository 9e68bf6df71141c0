/**
 * Short forms of volumes and ports. Nothing of them is built, but Compose refuses the whole file where one is wrong
 * (compose-go format/volume.go, docker/go-connections nat).
 */

/** What a short form says, or why it says nothing. */
export type Parsed<T> =
  | (T & { readonly ok: true })
  | { readonly ok: false; readonly message: string; readonly hint?: string };

/** `source:target:options` */
export function parseVolume(
  text: string,
): Parsed<{ readonly source: string; readonly target: string; readonly isBind: boolean }> {
  if (text === '') return { ok: false, message: 'The volume is empty' };
  if (new TextEncoder().encode(text).length <= 2)
    return { ok: true, source: '', target: text, isBind: false };
  const fields: string[] = [];
  let field = '';
  let open = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '$' && text[at + 1] === '{') open++;
    else if (char === '}' && open > 0) open--;
    else if (char === undefined || (char === ':' && !/^\p{L}$/u.test(field))) {
      if (open === 0) {
        if (field === '') {
          const hint = 'Check for an unset variable between the colons.';
          return { ok: false, message: `The volume "${text}" has an empty part`, hint };
        }
        if (fields.length === 2 && char === ':') {
          return { ok: false, message: `The volume "${text}" has too many colons` };
        }
        fields.push(field);
        field = '';
        continue;
      }
    }
    field += char ?? '\0';
  }
  const [first = '', second] = fields;
  const isAnonymous = second === undefined;
  const source = isAnonymous ? '' : first;
  return { ok: true, source, target: cleanTarget(isAnonymous ? first : second), isBind: isFilePath(source) };
}

function cleanTarget(target: string): string {
  return target === '/' ? target : target.replace(/\/+/g, '/').replace(/\/$/, '');
}

function isFilePath(source: string): boolean {
  return /^(?:[./~]|\\\\|\p{L}:)/u.test(source);
}

/** How a port is published. */
export interface Port {
  readonly hostIp: string;
  readonly published: string;
  readonly target: number;
  readonly protocol: string;
}

/** `ip:published:target/protocol`, each of both ports perhaps a range. */
export function parsePorts(text: string): Parsed<{ readonly ports: readonly Port[] }> {
  const parts = text.split(':');
  const container = parts.at(-1) ?? '';
  const published = parts.length > 1 ? (parts.at(-2) ?? '') : '';
  const address = parts.length > 2 ? parts.slice(0, -2).join(':') : '';
  const slash = container.indexOf('/');
  const target = slash === -1 ? container : container.slice(0, slash);
  const protocol = (slash === -1 ? '' : container.slice(slash + 1)).toLowerCase() || 'tcp';
  const wrong = (message: string): Parsed<{ readonly ports: readonly Port[] }> => ({
    ok: false,
    message: `The port "${text}" ${message}`,
    hint: 'A port looks like 80, 8080:80 or 127.0.0.1:8080:80/udp.',
  });
  if (target === '') return wrong('has no container port');
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) return wrong(`has an unknown protocol "${protocol}"`);
  const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
  if (bare !== '' && !isAddress(bare)) return wrong(`has an invalid address "${address}"`);
  const inside = readRange(target);
  if (inside === undefined) return wrong(`has an invalid container port "${target}"`);
  const outside = published === '' ? undefined : readRange(published);
  if (published !== '' && outside === undefined) return wrong(`has an invalid host port "${published}"`);
  const count = inside[1] - inside[0];
  if (outside !== undefined && outside[1] - outside[0] !== count && count !== 0) {
    return wrong('has two ranges of different lengths');
  }
  const ports: Port[] = [];
  for (let index = 0; index <= count; index++) {
    let host = outside === undefined ? '' : String(outside[0] + index);
    if (outside !== undefined && count === 0 && outside[0] !== outside[1]) host += `-${outside[1]}`;
    ports.push({ hostIp: bare, published: host, target: inside[0] + index, protocol });
  }
  return { ok: true, ports };
}

function readRange(text: string): readonly [number, number] | undefined {
  const dash = text.indexOf('-');
  const start = readPort(dash === -1 ? text : text.slice(0, dash));
  if (start === undefined || dash === -1) return start === undefined ? undefined : [start, start];
  const end = readPort(text.slice(dash + 1));
  return end === undefined || end < start ? undefined : [start, end];
}

function readPort(text: string): number | undefined {
  if (!/^\+?[0-9]{1,18}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

/** An address of IP version 4 or 6, without a zone. */
function isAddress(text: string): boolean {
  const isFour = (four: string): boolean =>
    /^(?:(?:0|[1-9][0-9]{0,2})(?:\.(?!$)|$)){4}$/.test(four) &&
    four.split('.').every((part) => Number(part) <= 255);
  if (isFour(text)) return true;
  if (!text.includes(':')) return false;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  const six = isFour(tail) ? `${text.slice(0, -tail.length)}0:0` : text;
  const halves = six.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const count = groups.reduce((sum, half) => sum + half.length, 0);
  const isHex = groups.flat().every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
  return isHex && (halves.length === 2 ? count < 8 : count === 8);
}
