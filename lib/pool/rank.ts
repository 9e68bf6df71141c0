/**
 * Rendezvous hashing with weights (Thaler and Ravishankar 1998; weights as in draft-ietf-bess-weighted-hrw, "-w / ln(h)"): each
 * member has a score for each identity, and the best score wins. When a member joins or leaves, only the builds that it wins or
 * had are moved.
 */
import { createHash } from 'node:crypto';
import { type Member, slotsOf } from './member.ts';

/** 64 bits of a hash of a name. */
export interface NameHash {
  readonly high: number;
  readonly low: number;
}

/** Hashes a name once with sha256. Scores combine two such hashes, since 10,000 builds with 500 members are too many for a sha256 each. */
export function hashName(name: string): NameHash {
  const sum = createHash('sha256').update(name, 'utf8').digest();
  return { high: sum.readInt32BE(0), low: sum.readInt32BE(4) };
}

/**
 * The distance of a member from an identity; the smallest is the first choice. It is an exponentially distributed number whose
 * rate is the weight, so that each member has the smallest one in proportion to its weight.
 */
export function distance(identity: NameHash, member: NameHash, weight: number): number {
  // Each step is invertible, so that no two of 2^64 combinations get the same number.
  let low = identity.low ^ member.low;
  let high = scramble((identity.high ^ member.high) + Math.imul(low, 0x9e3779b1));
  low = scramble(low ^ high);
  high = scramble(high + low);
  const uniform = ((high >>> 0) * 0x20_0000 + (low >>> 11) + 0.5) / 0x20_0000_0000_0000;
  return -Math.log(uniform) / weight;
}

/** The last step of MurmurHash3 for 32 bits: every bit of the input changes half of the output. */
function scramble(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

const memberHashes = new WeakMap<Member, NameHash>();

function hashMember(member: Member): NameHash {
  const known = memberHashes.get(member);
  if (known !== undefined) return known;
  const hash = hashName(member.id);
  memberHashes.set(member, hash);
  return hash;
}

/**
 * Sorts members by preference for builds of that identity. The order is the same on every machine, whatever the order of
 * `members`. A member is first in proportion to its `jobs`.
 */
export function rankMembers(identity: string, members: readonly Member[]): readonly Member[] {
  const hash = hashName(identity);
  return members
    .map((member) => ({ member, far: distance(hash, hashMember(member), slotsOf(member)) }))
    .sort((one, other) => one.far - other.far || (one.member.id < other.member.id ? -1 : 1))
    .map(({ member }) => member);
}
