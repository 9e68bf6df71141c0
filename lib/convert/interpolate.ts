/**
 * `${VAR}` of Compose files as expressions of ours, and the variables they need
 * (https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md).
 */
import type { Json } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import { type DraftVariable, literal } from './draft.ts';

type Part = string | Reference;

interface Reference {
  readonly name: string;
  /** `:-` and `-` give a default, `:?` and `?` demand a value, `:+` and `+` replace one. */
  readonly operator?: '-' | '?' | '+';
  readonly operand: readonly Part[];
}

interface Known {
  /** Rendered defaults; undefined for a use without one. */
  readonly defaults: Set<string | undefined>;
  required?: string;
}

/** Reads texts with references; `scan` must have seen all of them before any is translated. */
export interface Interpolator extends TextReader {
  /** Looks for references in every text of a value. */
  readonly scan: (value: unknown) => void;
  /** The variables that were found, in order of first mention. */
  readonly variables: () => readonly DraftVariable[];
}

/** Makes an interpolator for one file. */
export function createInterpolator(): Interpolator {
  const found = new Map<string, Known>();

  function learn(parts: readonly Part[]): void {
    for (const part of parts) {
      if (typeof part === 'string') continue;
      const known = found.get(part.name) ?? { defaults: new Set() };
      found.set(part.name, known);
      if (part.operator === '?')
        known.required = part.operand.filter((one) => typeof one === 'string').join('');
      else known.defaults.add(part.operator === '-' ? JSON.stringify(part.operand) : undefined);
      learn(part.operand);
    }
  }

  function scan(value: unknown): void {
    if (typeof value === 'string') learn(parse(value));
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) scan(inner);
  }

  /** One default everywhere can be the variable's own. */
  function hasOneDefault(name: string): boolean {
    const known = found.get(name);
    return known !== undefined && known.defaults.size === 1 && !known.defaults.has(undefined);
  }

  function render(parts: readonly Part[]): string {
    return parts
      .map((part) => (typeof part === 'string' ? literal(part) : `\${{ ${expressionOf(part)} }}`))
      .join('');
  }

  function expressionOf({ name, operator, operand }: Reference): string {
    const variable = `vars.${name}`;
    if (operator === '+') return `${variable} != "" ? ${joined(operand)} : ""`;
    if (operator !== '-' || hasOneDefault(name)) return variable;
    return `${variable} != "" ? ${variable} : ${joined(operand)}`;
  }

  function joined(parts: readonly Part[]): string {
    if (parts.length === 0) return '""';
    const texts = parts.map((part) => {
      if (typeof part === 'string') return JSON.stringify(part);
      const text = expressionOf(part);
      return text.includes(' ') ? `(${text})` : text;
    });
    return texts.join(' + ');
  }

  function variables(): readonly DraftVariable[] {
    return [...found].map(([name, known]) => {
      const [first] = known.defaults;
      const isDefault = hasOneDefault(name) && first !== undefined;
      const value: Json = isDefault ? render(JSON.parse(first) as readonly Part[]) : '';
      if (known.required === undefined) return { name, value, comments: [] };
      const more: Record<string, Json> = { required: true };
      if (known.required !== '') more['description'] = literal(known.required);
      return { name, value: more, comments: [] };
    });
  }

  return {
    scan,
    variables,
    isComputed: (text) => parse(text).some((part) => typeof part !== 'string'),
    textOf: (text) => render(parse(text)),
  };
}

/** Literal texts and references; `$$` is one `$`; what looks like neither stays as it is. */
function parse(text: string): readonly Part[] {
  const parts: Part[] = [];
  let plain = '';
  const push = (part: Reference): void => {
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(part);
  };
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$$', at)) {
      plain += '$';
      at += 2;
      continue;
    }
    const bare = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(text.slice(at, at + 200));
    if (bare !== null) {
      push({ name: bare[1] ?? '', operand: [] });
      at += bare[0].length;
      continue;
    }
    const end = text.startsWith('${', at) ? closingBrace(text, at + 2) : -1;
    const braced =
      end === -1 ? null : /^([A-Za-z_][A-Za-z0-9_]*)(?::?([-?+])(.*))?$/s.exec(text.slice(at + 2, end));
    if (braced === null) {
      plain += text[at] ?? '';
      at++;
      continue;
    }
    const [, name = '', operator, operand = ''] = braced;
    if (operator === '-' || operator === '?' || operator === '+') {
      push({ name, operator, operand: parse(operand) });
    } else push({ name, operand: [] });
    at = end + 1;
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

/** Where a brace that was opened closes; defaults may hold references themselves. */
function closingBrace(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++;
    else if (text[at] === '}') {
      if (depth === 0) return at;
      depth--;
    }
  }
  return -1;
}
