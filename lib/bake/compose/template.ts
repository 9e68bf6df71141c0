/**
 * `$VAR` and `${VAR…}` in the texts of Compose files and of env files
 * (https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md; compose-go template/template.go for what that
 * page does not define: where a reference ends, and what is not expanded).
 */

/** A variable's value; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** The text with its values, or why there is none. */
export type Substituted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

/** So deep may defaults nest, and so many references with a default may follow one another on a line. */
const MAX_DEPTH = 500;

/** Puts values in for the references of a text. */
export function substitute(text: string, lookup: Lookup): Substituted {
  if (!text.includes('$')) return { ok: true, text };
  try {
    return { ok: true, text: expand(text, lookup, 0) };
  } catch (thrown) {
    if (!(thrown instanceof Wrong)) throw thrown;
    return { ok: false, message: thrown.text, ...(thrown.hint === undefined ? {} : { hint: thrown.hint }) };
  }
}

/** Thrown and caught in this file only. */
class Wrong {
  readonly text: string;
  readonly hint: string | undefined;
  constructor(text: string, hint?: string) {
    this.text = text;
    this.hint = hint;
  }
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

function nameAt(text: string, at: number): string {
  NAME.lastIndex = at;
  return NAME.exec(text)?.[0] ?? '';
}

function expand(text: string, lookup: Lookup, depth: number): string {
  if (depth > MAX_DEPTH) throw new Wrong(`More than ${MAX_DEPTH} references are nested or on one line`);
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) break;
    result += text.slice(at, dollar);
    const mark = text[dollar + 1];
    if (mark === '$') {
      result += '$';
      at = dollar + 2;
    } else if (mark === '{') {
      const end = bracedEnd(text, dollar);
      if (end === undefined) throw invalid(text, dollar);
      result += expandBraced(text.slice(dollar, end), lookup, depth);
      at = end;
    } else {
      const name = nameAt(text, dollar + 1);
      result += name === '' ? '$' : (lookup(name) ?? '');
      at = dollar + 1 + name.length;
    }
  }
  return result + text.slice(at);
}

function invalid(text: string, dollar: number): Wrong {
  const shown = text.slice(dollar, dollar + 40).split('\n')[0] ?? '';
  return new Wrong(`"${shown}" is not a valid variable reference`, 'Write ${NAME}, or $$ for a dollar sign.');
}

/**
 * Where the match for a reference in braces ends; undefined where there is none. One with an operator reaches to the last
 * brace of its line: what is behind its own closing brace is expanded with it.
 */
function bracedEnd(text: string, dollar: number): number | undefined {
  const name = nameAt(text, dollar + 2);
  if (name === '') return undefined;
  const behind = dollar + 2 + name.length;
  if (text[behind] === '}') return behind + 1;
  if (!/^:?[-+?]/.test(text.slice(behind, behind + 2))) return undefined;
  const lineEnd = text.indexOf('\n', behind);
  const last = text.lastIndexOf('}', lineEnd === -1 ? text.length : lineEnd);
  return last < behind ? undefined : last + 1;
}

/** `${…}` and, where it has an operator, what follows on its line up to the last brace. */
function expandBraced(match: string, lookup: Lookup, depth: number): string {
  const close = closingBrace(match);
  const own = close === undefined ? match : match.slice(0, close + 1);
  const rest = close === undefined ? '' : match.slice(close + 1);
  const name = nameAt(own, 2);
  const behind = 2 + name.length;
  const value = lookup(name);
  const operator = /^:?[-+?]/.exec(own.slice(behind))?.[0];
  if (operator === undefined) {
    if (own[behind] !== '}') throw invalid(own, 0);
    return value ?? '';
  }
  if (!own.endsWith('}')) throw invalid(own, 0);
  const operand = own.slice(behind + operator.length, -1);
  const isThere = value !== undefined && (operator.length === 1 || value !== '');
  const inner = (): string => expand(operand, lookup, depth + 1);
  let expanded: string;
  if (operator.endsWith('-')) expanded = isThere ? value : inner();
  else if (operator.endsWith('+')) expanded = isThere ? inner() : (value ?? '');
  else if (isThere) expanded = value;
  else {
    const reason = inner();
    throw new Wrong(
      `The variable ${name} must be set${reason === '' ? '' : `: ${reason}`}`,
      `Set ${name} in the environment or in .env.`,
    );
  }
  return expanded + expand(rest, lookup, depth + 1);
}

/** The brace that closes the first one. The character behind an opening brace does not count, as compose-go has it. */
function closingBrace(text: string): number | undefined {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '}' && --open === 0) return at;
    if (text[at] === '{') {
      open++;
      at++;
    }
  }
  return undefined;
}
