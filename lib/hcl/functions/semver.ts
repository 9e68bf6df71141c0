/** Versions and what they are required to be, by the rules of github.com/Masterminds/semver 3.4. */

interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly pre: string;
}

/** One comparison; parts that were not written, or as `x`, are open. */
interface Constraint {
  readonly operator: string;
  readonly version: Version;
  /** Some part is open. */
  readonly open: boolean;
  readonly minorOpen: boolean;
  readonly patchOpen: boolean;
}

const SPACE = '[\\t\\n\\f\\r ]';
const LOOSE =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;
const OPERATORS = '=||!=|>|<|>=|=>|<=|=<|~|~>|\\^';
const PATTERN =
  'v?([0-9|xX*]+)(\\.[0-9|xX*]+)?(\\.[0-9|xX*]+)?(-(?:[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+(?:[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?';
const BARE = PATTERN.replaceAll(/\((?!\?)/g, '(?:');
const ONE = new RegExp(`^${SPACE}*(${OPERATORS})${SPACE}*${PATTERN}${SPACE}*$`);
const EACH = new RegExp(`(?:${OPERATORS})${SPACE}*(?:${BARE})`, 'g');
const RANGE = new RegExp(`${SPACE}*(${BARE})${SPACE}+-${SPACE}+(${BARE})${SPACE}*`, 'g');
const VALID = new RegExp(
  `^${SPACE}*(?:${OPERATORS})${SPACE}*(?:${BARE})${SPACE}*(?:(?:${SPACE}+|,${SPACE}*)(?:${OPERATORS})${SPACE}*(?:${BARE})${SPACE}*)*$`,
);
/** Characters of a version or of what is required; several blanks at a place count as one. */
const MOST_CHARACTERS = 500;
const MOST_SEGMENT = 2n ** 64n;

/** Whether a version is as required; a text where one of the two is none, with its argument. */
export function satisfies(
  version: string,
  required: string,
): boolean | { readonly argument: 0 | 1; readonly message: string } {
  const parsed = parseVersion(version);
  if (parsed === undefined) return { argument: 0, message: 'it is not a semantic version' };
  const constraints = parseConstraints(required);
  if (constraints === undefined)
    return { argument: 1, message: 'it is not a version constraint such as ">= 1.2, < 3"' };
  return constraints.some((all) => {
    const withPre = all.some((one) => one.version.pre !== '');
    return all.every((one) => (parsed.pre === '' || withPre) && holds(parsed, one));
  });
}

function parseVersion(text: string): Version | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  const found = LOOSE.exec(text);
  if (found === null) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre = ''] = found;
  const parts = [major, minor, patch].map(BigInt);
  if (parts.some((part) => part >= MOST_SEGMENT)) return undefined;
  if (pre !== '' && pre.split('.').some((part) => /^0\d+$/.test(part))) return undefined;
  return { major: parts[0] ?? 0n, minor: parts[1] ?? 0n, patch: parts[2] ?? 0n, pre };
}

function parseConstraints(text: string): readonly (readonly Constraint[])[] | undefined {
  const short = text.replace(/[\t\n\f\r ]+/g, ' ');
  if (short.length > MOST_CHARACTERS) return undefined;
  const written = short.replace(RANGE, '>= $1, <= $2 ');
  const groups: Constraint[][] = [];
  for (const part of written.split('||')) {
    if (!VALID.test(part)) return undefined;
    const group: Constraint[] = [];
    for (const one of part.match(EACH) ?? [part]) {
      const constraint = parseConstraint(one);
      if (constraint === undefined) return undefined;
      group.push(constraint);
    }
    groups.push(group);
  }
  return groups;
}

function parseConstraint(text: string): Constraint | undefined {
  const found = ONE.exec(text);
  if (found === null) return undefined;
  const [, operator = '', major = '', minor = '', patch = '', pre = ''] = found;
  const isOpen = (part: string): boolean => part === '' || /^\.?[xX*]$/.test(part);
  const minorOpen = !isOpen(major) && isOpen(minor);
  const patchOpen = !isOpen(major) && !minorOpen && isOpen(patch);
  const open = isOpen(major) || minorOpen || patchOpen;
  const whole = isOpen(major)
    ? '0.0.0'
    : minorOpen
      ? `${major}.0.0`
      : patchOpen
        ? `${major}${minor}.0`
        : `${major}${minor}${patch}`;
  const version = parseVersion(`${whole}${pre}`);
  return version === undefined ? undefined : { operator, version, open, minorOpen, patchOpen };
}

function holds(version: Version, constraint: Constraint): boolean {
  const { version: wanted, open, minorOpen, patchOpen } = constraint;
  const order = compare(version, wanted);
  switch (constraint.operator) {
    case '!=':
      return open ? isOutside(version, constraint) : order !== 0;
    case '>':
      if (!open) return order > 0;
      if (version.major !== wanted.major) return version.major > wanted.major;
      if (minorOpen) return false;
      return patchOpen ? version.minor > wanted.minor : order > 0;
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (!open) return order <= 0;
      if (version.major !== wanted.major) return version.major < wanted.major;
      return version.minor <= wanted.minor || minorOpen;
    case '^':
      return order >= 0 && isCompatible(version, constraint);
    case '~':
    case '~>':
      return isNear(version, constraint);
    default:
      return open ? isNear(version, constraint) : order === 0;
  }
}

/** `!=` with open parts. */
function isOutside(version: Version, { version: wanted, minorOpen, patchOpen }: Constraint): boolean {
  if (version.major !== wanted.major) return true;
  if (version.minor !== wanted.minor && !minorOpen) return true;
  if (minorOpen) return false;
  if (version.patch !== wanted.patch && !patchOpen) return true;
  if (patchOpen) {
    if (version.pre === '' && wanted.pre === '') return false;
    return comparePre(version.pre, wanted.pre) !== 0;
  }
  return compare(version, wanted) !== 0;
}

function isNear(version: Version, { version: wanted, minorOpen, patchOpen }: Constraint): boolean {
  if (compare(version, wanted) < 0) return false;
  const isZero = wanted.major === 0n && wanted.minor === 0n && wanted.patch === 0n;
  if (isZero && !minorOpen && !patchOpen) return true;
  return version.major === wanted.major && (version.minor === wanted.minor || minorOpen);
}

/** `^`: what comes first and is not 0 stays. */
function isCompatible(version: Version, { version: wanted, minorOpen, patchOpen }: Constraint): boolean {
  if (version.major !== wanted.major) return false;
  if (wanted.major > 0n || minorOpen) return true;
  if (version.minor !== wanted.minor) return false;
  return wanted.minor > 0n || patchOpen || version.patch === wanted.patch;
}

function compare(a: Version, b: Version): number {
  for (const part of ['major', 'minor', 'patch'] as const)
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  if (a.pre === '' || b.pre === '') return Number(a.pre === '') - Number(b.pre === '');
  return comparePre(a.pre, b.pre);
}

function comparePre(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const order = comparePrePart(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers come before words, and what is not there before both. */
function comparePrePart(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  const isNumber = (part: string): boolean => /^\d+$/.test(part) && BigInt(part) < MOST_SEGMENT;
  if (isNumber(a) && isNumber(b)) return BigInt(a) > BigInt(b) ? 1 : -1;
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return a > b ? 1 : -1;
}
