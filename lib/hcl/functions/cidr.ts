/** Functions of ranges of IP addresses (https://github.com/apparentlymart/go-cidr). */
import { toInt64 } from '../number.ts';
import { NUMBER, STRING } from '../types.ts';
import type { FunctionResult, Value } from '../value.ts';
import { listOf, textValue } from '../values.ts';
import { type Definitions, done, failed, NOT_WHOLE, textOf, wholeOf } from './define.ts';

/** An address range: its first address as a number, the bits that it has in common, and those of an address. */
interface Network {
  readonly base: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

const PREFIX = { name: 'prefix', type: STRING };
const NO_NETWORK = 'it is not a valid address range such as "10.0.0.0/8"';

export const CIDR_FUNCTIONS: Definitions = {
  cidrhost: { parameters: [PREFIX, { name: 'hostnum', type: NUMBER }], run: host },
  cidrnetmask: {
    parameters: [PREFIX],
    run: ([prefix]) => {
      const network = parseNetwork(textOf(prefix));
      if (network === undefined) return failed(NO_NETWORK, 0);
      return done(textValue(addressText(maskOf(network.prefix, network.bits), network.bits)));
    },
  },
  cidrsubnet: {
    parameters: [PREFIX, { name: 'newbits', type: NUMBER }, { name: 'netnum', type: NUMBER }],
    run: subnet,
  },
  cidrsubnets: { parameters: [PREFIX], rest: { name: 'newbits', type: NUMBER }, run: subnets },
};

function host([prefix, number]: readonly Value[]): FunctionResult {
  const network = parseNetwork(textOf(prefix));
  if (network === undefined) return failed(NO_NETWORK, 0);
  const count = number?.kind === 'number' ? toInt64(number.value) : undefined;
  if (count === undefined) return failed(NOT_WHOLE, 1);
  const most = (1n << BigInt(network.bits - network.prefix)) - 1n;
  const wanted = count < 0n ? most + count + 1n : count;
  if (wanted < 0n || wanted > most) return failed(`the range has no address number ${count}`, 1);
  return done(textValue(addressText(network.base | wanted, network.bits)));
}

function subnet([prefix, more, number]: readonly Value[]): FunctionResult {
  const bits = wholeOf(more);
  const count = wholeOf(number);
  if (bits === undefined) return failed(NOT_WHOLE, 1);
  if (count === undefined) return failed(NOT_WHOLE, 2);
  const network = parseNetwork(textOf(prefix));
  if (network === undefined) return failed(NO_NETWORK, 0);
  if (bits > 32) return failed('a prefix can be made longer by at most 32 bits', 1);
  const length = network.prefix + bits;
  if (length > network.bits || length < 0)
    return failed(`a prefix of ${network.prefix} bits cannot have ${bits} more`, 1);
  // A prefix may become shorter, too; go-cidr then takes any number that an address has room for.
  if (count < 0 || (bits >= 0 && count >= 2 ** bits))
    return failed(`${bits} more bits have no subnet number ${count}`, 2);
  const base = network.base | (BigInt(count) << BigInt(network.bits - length));
  if (base > allOnes(network.bits)) return failed(`there is no subnet number ${count}`, 2);
  return done(textValue(networkText({ ...network, base, prefix: length })));
}

function subnets([prefix, ...lengths]: readonly Value[]): FunctionResult {
  const network = parseNetwork(textOf(prefix));
  if (network === undefined) return failed(NO_NETWORK, 0);
  const found: Value[] = [];
  let last: bigint | undefined;
  for (const [at, value] of lengths.entries()) {
    const more = wholeOf(value);
    if (more === undefined) return failed(NOT_WHOLE, at + 1);
    if (more < 1 || more > 32) return failed('a prefix can be made longer by 1 to 32 bits', at + 1);
    const length = network.prefix + more;
    if (length > network.bits) return failed(`an address has only ${network.bits} bits`, at + 1);
    const step = 1n << BigInt(network.bits - length);
    // From the address before the range on, whose next block of this size it is; go-cidr takes 0 for the end.
    const before: bigint = last ?? (network.base === 0n ? allOnes(network.bits) : network.base - 1n);
    const next: bigint = (before / step + 1n) * step;
    const end = network.base | (allOnes(network.bits) ^ maskOf(network.prefix, network.bits));
    if (next < network.base || next > end)
      return failed(`the range has no room for a subnet with ${length} bits`, at + 1);
    found.push(textValue(networkText({ base: next, prefix: length, bits: network.bits })));
    last = next + step - 1n;
  }
  return done(listOf(STRING, found));
}

function allOnes(bits: number): bigint {
  return (1n << BigInt(bits)) - 1n;
}

function maskOf(prefix: number, bits: number): bigint {
  return allOnes(bits) ^ allOnes(bits - prefix);
}

function parseNetwork(text: string): Network | undefined {
  const found = /^([^/%]+)\/(\d{1,3})$/.exec(text);
  const [, address = '', digits = ''] = found ?? [];
  const parsed = address.includes(':') ? parseV6(address) : parseV4(address);
  const prefix = Number(digits);
  if (found === null || parsed === undefined) return undefined;
  const bits = address.includes(':') ? 128 : 32;
  if (prefix > bits) return undefined;
  // IPv4 addresses within IPv6, from which go-cidr makes nonsense.
  if (bits === 128 && parsed >> 32n === 0xffffn) return undefined;
  return { base: parsed & maskOf(prefix, bits), prefix, bits };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups: (readonly string[] | undefined)[] = halves.map((half, at) =>
    half === '' ? [] : groupsOf(half, at === halves.length - 1),
  );
  const [left, right = []] = groups;
  if (left === undefined || groups.includes(undefined)) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(text: string, last: boolean): readonly string[] | undefined {
  const parts = text.split(':');
  const end = parts.at(-1) ?? '';
  if (last && end.includes('.')) {
    const v4 = parseV4(end);
    if (v4 === undefined) return undefined;
    parts.splice(-1, 1, (v4 >> 16n).toString(16), (v4 & 0xffffn).toString(16));
  }
  return parts.every((part) => /^[\da-fA-F]{1,4}$/.test(part)) ? parts : undefined;
}

function addressText(address: bigint, bits: 32 | 128): string {
  if (bits === 32 || address >> 32n === 0xffffn) {
    return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 255n)).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, at) => (address >> BigInt(112 - 16 * at)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(':');
  // The longest run of zeros is left out, the first of several (RFC 5952).
  const runs = [...text.matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)];
  const longest = runs.reduce((best, run) => (run[0].length > best.length ? run[0] : best), '');
  if (longest === '') return text;
  const run = runs.find(([found]) => found === longest);
  const start = run?.index ?? 0;
  const [before, after] = [
    text.slice(0, start).replace(/:$/, ''),
    text.slice(start + longest.length).replace(/^:/, ''),
  ];
  return `${before}::${after}`;
}

function networkText(network: Network): string {
  return `${addressText(network.base, network.bits)}/${network.prefix}`;
}
