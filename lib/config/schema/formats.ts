/** Formats of JSON Schema that are checked. Their expressions have no repeats within repeats, so their time is linear. */

/** One format. */
export interface Format {
  /** What a text of it is, for messages. */
  readonly words: string;
  readonly fits: (text: string) => boolean;
}

/** Characters of the longest text that can have a format. */
const MAX_LENGTH = 2048;

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const MAILBOX = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/;

/** By the names of https://json-schema.org/draft/2020-12/json-schema-validation#name-defined-formats. */
export const FORMATS: Readonly<Record<string, Format>> = {
  date: { words: 'a date such as 2026-01-31', fits: isDate },
  'date-time': {
    words: 'a time such as 2026-01-31T08:30:00Z',
    fits: (text) => isDate(DATE_TIME.exec(text)?.[1] ?? ''),
  },
  email: { words: 'an email address', fits: isEmail },
  hostname: { words: 'the name of a host', fits: isHostname },
  ipv4: { words: 'an IPv4 address', fits: isIpv4 },
  ipv6: { words: 'an IPv6 address', fits: isIpv6 },
  uri: { words: 'a URI with a scheme, such as https://example.com/a', fits: (text) => URI.test(text) },
  uuid: {
    words: 'a UUID',
    fits: (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text),
  },
};

/** Whether a text has a format of {@link FORMATS}. */
export function hasFormat(name: string, text: string): boolean {
  return text.length <= MAX_LENGTH && FORMATS[name]?.fits(text) === true;
}

function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= days;
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const mailbox = text.slice(0, at);
  const isWhole = at > 0 && !/^\.|\.\.|\.$/.test(mailbox) && MAILBOX.test(mailbox);
  return isWhole && isHostname(text.slice(at + 1));
}

/** RFC 1123, section 2.1. */
function isHostname(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => label.length <= 63 && LABEL.test(label));
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
  );
}

/** RFC 4291, section 2.2. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const hasIpv4 = last.includes('.');
  if (hasIpv4 && (!isIpv4(last) || text.endsWith('::'))) return false;
  const hex = hasIpv4 ? groups.slice(0, -1) : groups;
  const count = hex.length + (hasIpv4 ? 2 : 0);
  return hex.every((one) => /^[0-9a-f]{1,4}$/i.test(one)) && (halves.length === 2 ? count <= 7 : count === 8);
}
