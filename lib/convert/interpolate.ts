/**
 * Converts `${VAR}` of Compose files to expressions, and collects the variables
 * (https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md).
 */
import type { Json } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import { type DraftVariable, literal } from './draft.ts';

type Part = string | Reference;

interface Reference {
  readonly name: string;
  /** `:-` and `-` set a default, `:?` and `?` require a value, `:+` and `+` replace one. */
  readonly operator?: '-' | '?' | '+';
  readonly operand: readonly Part[];
  /** As written in the file. */
  readonly written: string;
}

interface Known {
  /** Converted defaults; undefined for a use without one. */
  readonly defaults: Set<string | undefined>;
  required?: string;
  /** Its value in a file of variables. */
  readonly fromFile?: string;
}

/** Converts texts with references; all of them must be passed to `scan` before any is converted. */
export interface Interpolator extends TextReader {
  /** A text with marks in place of its references; `lookup` returns values from files of variables. */
  readonly keep: (text: string, lookup: (name: string) => string | undefined) => string;
  /** Sets the values of files of variables for names without references. */
  readonly know: (lookup: (name: string) => string | undefined) => void;
  /** Collects the references in the texts of a value. */
  readonly scan: (value: unknown) => void;
  /** Restores the original of a text with marks. */
  readonly writtenOf: (text: string) => string;
  /** The value in the environment, or an empty text. */
  readonly given: (name: string) => string;
  /** The variables in order of first use; values from files only for names with `mayWrite`. */
  readonly variables: (mayWrite: (name: string) => boolean) => readonly DraftVariable[];
}

/** As in marks.ts: characters that Unicode reserves for internal use. */
const MARK = /\uFDD0([0-9]+)\uFDD1/;

/** Makes an interpolator for one file. */
export function createInterpolator(): Interpolator {
  const found = new Map<string, Known>();
  const marked: Reference[] = [];
  const fromFiles = new Map<string, string>();
  const optional = new Set<string>();
  let fileOfVariables: (name: string) => string | undefined = () => undefined;

  function keep(text: string, lookup: (name: string) => string | undefined): string {
    return parse(text)
      .map((part) => {
        if (typeof part === 'string') return part;
        for (const name of namesIn(part)) {
          const value = lookup(name);
          if (value !== undefined && !fromFiles.has(name)) fromFiles.set(name, value);
        }
        marked.push(part);
        return `\uFDD0${marked.length - 1}\uFDD1`;
      })
      .join('');
  }

  /** Literal texts and references. */
  function partsOf(text: string): readonly Part[] {
    return text
      .split(MARK)
      .map((piece, at): Part => (at % 2 === 0 ? piece : (marked[Number(piece)] ?? '')))
      .filter((part) => part !== '');
  }

  function learn(parts: readonly Part[]): void {
    for (const part of parts) {
      if (typeof part === 'string') continue;
      const fromFile = fromFiles.get(part.name);
      const known: Known = found.get(part.name) ?? {
        defaults: new Set(),
        ...(fromFile === undefined ? {} : { fromFile }),
      };
      found.set(part.name, known);
      if (part.operator === '?')
        known.required = part.operand.filter((one) => typeof one === 'string').join('');
      else known.defaults.add(part.operator === '-' ? JSON.stringify(part.operand) : undefined);
      learn(part.operand);
    }
  }

  function scan(value: unknown): void {
    if (typeof value === 'string') learn(partsOf(value));
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) scan(inner);
  }

  /** Whether all uses have the same default, which can become the variable's default. */
  function hasOneDefault(name: string): boolean {
    const known = found.get(name);
    if (known?.fromFile !== undefined && known.fromFile !== '') return true;
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

  function given(name: string): string {
    // Inside a text, a variable that is not set is empty, not null.
    if (found.has(name)) return `\${{ has(env.${name}) ? env.${name} : null }}`;
    optional.add(name);
    return `\${{ vars.${name} }}`;
  }

  function variables(mayWrite: (name: string) => boolean): readonly DraftVariable[] {
    const written = [...found].map(([name, known]): DraftVariable => {
      const [first] = known.defaults;
      const isFromFile = known.fromFile !== undefined && known.fromFile !== '' && mayWrite(name);
      const isDefault = hasOneDefault(name) && first !== undefined;
      const value: Json = isFromFile
        ? literal(known.fromFile ?? '')
        : isDefault
          ? render(JSON.parse(first) as readonly Part[])
          : '';
      if (known.required === undefined || isFromFile) return { name, value, comments: [] };
      const more: Record<string, Json> = { required: true };
      if (known.required !== '') more['description'] = literal(known.required);
      return { name, value: more, comments: [] };
    });
    const bare = [...optional].filter((name) => !found.has(name));
    return [
      ...written,
      ...bare.map((name): DraftVariable => {
        const value = fileOfVariables(name);
        const isKnown = value !== undefined && mayWrite(name);
        return { name, value: isKnown ? literal(value) : { optional: true }, comments: [] };
      }),
    ];
  }

  return {
    keep,
    know: (lookup) => {
      fileOfVariables = lookup;
    },
    scan,
    writtenOf: (text) =>
      partsOf(text)
        .map((part) => (typeof part === 'string' ? part : part.written))
        .join(''),
    given,
    variables,
    isComputed: (text) => MARK.test(text),
    textOf: (text) => render(partsOf(text)),
  };
}

function namesIn({ name, operand }: Reference): readonly string[] {
  return [name, ...operand.flatMap((part) => (typeof part === 'string' ? [] : namesIn(part)))];
}

/** Literal texts and references; `$$` is a single `$`; everything else is unchanged. */
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
      push({ name: bare[1] ?? '', operand: [], written: bare[0] });
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
    const written = text.slice(at, end + 1);
    if (operator === '-' || operator === '?' || operator === '+') {
      push({ name, operator, operand: parse(operand), written });
    } else push({ name, operand: [], written });
    at = end + 1;
  }
  if (plain !== '') parts.push(plain);
  return parts;
}

/** The position of the closing brace; defaults may contain references. */
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
