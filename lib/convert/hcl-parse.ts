/**
 * HCL's template and expression syntax, as far as bake files use it
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md). Splats, heredocs and template directives are refused.
 */

/** An expression. */
export type Hcl =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'word'; readonly word: 'true' | 'false' | 'null' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly of: Hcl; readonly name: string }
  | { readonly kind: 'index'; readonly of: Hcl; readonly key: Hcl }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Hcl[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Hcl }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Hcl; readonly right: Hcl }
  | { readonly kind: 'choice'; readonly test: Hcl; readonly yes: Hcl; readonly no: Hcl }
  | { readonly kind: 'template'; readonly parts: readonly Hcl[] }
  | { readonly kind: 'list'; readonly items: readonly Hcl[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Hcl, Hcl])[] }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly over: Hcl;
      readonly value: Hcl;
      readonly when?: Hcl;
    };

/** Thrown for what has no counterpart; the message says what it is. Caught in hcl-text.ts; it never leaves this package. */
export class Untranslatable extends Error {}

/** Splits a template (a JSON string of a bake file) into literal texts and expressions. */
export function parseTemplate(text: string): readonly Hcl[] {
  const parser = createParser(text);
  const parts = parser.template(undefined);
  return parts;
}

/** True where a text has an interpolation, a directive, or an escape of either. */
export function isTemplate(text: string): boolean {
  return text.includes('${') || text.includes('%{');
}

const OPERATORS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];

interface Parser {
  readonly template: (end: '"' | undefined) => readonly Hcl[];
}

function createParser(text: string): Parser {
  let at = 0;

  function fail(what: string): never {
    throw new Untranslatable(what);
  }

  function skipBlanks(): void {
    while (/\s/.test(text[at] ?? '')) at++;
  }

  function peek(sign: string): boolean {
    skipBlanks();
    return text.startsWith(sign, at);
  }

  function take(sign: string): boolean {
    if (!peek(sign)) return false;
    at += sign.length;
    return true;
  }

  function expect(sign: string): void {
    if (!take(sign)) fail(`"${sign}" is missing`);
  }

  function word(): string | undefined {
    skipBlanks();
    const found = /^[A-Za-z_][A-Za-z0-9_-]*/.exec(text.slice(at, at + 200));
    if (found === null) return undefined;
    at += found[0].length;
    return found[0];
  }

  /** Literal text and `${…}` up to the end of the text, or to a closing quote (where backslashes escape). */
  function template(end: '"' | undefined): readonly Hcl[] {
    const parts: Hcl[] = [];
    let plain = '';
    const flush = (): void => {
      if (plain !== '') parts.push({ kind: 'text', value: plain });
      plain = '';
    };
    for (;;) {
      if (at >= text.length) {
        if (end !== undefined) fail('a quote is not closed');
        break;
      }
      const rest = text.slice(at, at + 3);
      if (rest === '$${' || rest === '%%{') {
        plain += rest.slice(1);
        at += 3;
      } else if (rest.startsWith('%{')) fail('template directives have no counterpart');
      else if (rest.startsWith('${')) {
        flush();
        at += 2;
        take('~');
        parts.push(expression());
        take('~');
        expect('}');
      } else if (end !== undefined && rest[0] === end) {
        at++;
        break;
      } else if (end !== undefined && rest[0] === '\\') plain += escaped();
      else {
        plain += rest[0] ?? '';
        at++;
      }
    }
    flush();
    return parts;
  }

  function escaped(): string {
    const sign = text[at + 1] ?? '';
    if (sign === 'u') {
      const code = Number.parseInt(text.slice(at + 2, at + 6), 16);
      at += 6;
      return Number.isNaN(code) ? '' : String.fromCharCode(code);
    }
    at += 2;
    return { n: '\n', r: '\r', t: '\t' }[sign] ?? sign;
  }

  function expression(): Hcl {
    const test = binary(0);
    if (!take('?')) return test;
    const yes = expression();
    expect(':');
    return { kind: 'choice', test, yes, no: expression() };
  }

  function binary(level: number): Hcl {
    const operators = OPERATORS[level];
    if (operators === undefined) return unary();
    let left = binary(level + 1);
    for (;;) {
      const operator = operators.find(peek);
      if (operator === undefined) return left;
      at += operator.length;
      left = { kind: 'binary', operator, left, right: binary(level + 1) };
    }
  }

  function unary(): Hcl {
    for (const operator of ['!', '-'])
      if (!peek('!=') && take(operator)) return { kind: 'unary', operator, of: unary() };
    return postfix();
  }

  function postfix(): Hcl {
    let value = primary();
    for (;;) {
      if (take('[')) {
        if (peek('*')) fail('splats have no counterpart');
        value = { kind: 'index', of: value, key: expression() };
        expect(']');
      } else if (peek('.') && !peek('...')) {
        at++;
        if (peek('*')) fail('splats have no counterpart');
        const name = word();
        if (name !== undefined) value = { kind: 'member', of: value, name };
        else value = { kind: 'index', of: value, key: number() };
      } else return value;
    }
  }

  function primary(): Hcl {
    if (take('(')) {
      const inner = expression();
      expect(')');
      return inner;
    }
    if (take('"')) {
      const parts = template('"');
      const [first] = parts;
      if (first === undefined) return { kind: 'text', value: '' };
      return parts.length === 1 && first.kind === 'text' ? first : { kind: 'template', parts };
    }
    if (take('[')) return list();
    if (take('{')) return map();
    if (peek('<<')) fail('heredocs inside expressions have no counterpart');
    skipBlanks();
    if (/[0-9]/.test(text[at] ?? '')) return number();
    const name = word() ?? fail(`"${text.slice(at, at + 10)}" cannot be read`);
    if (name === 'true' || name === 'false' || name === 'null') return { kind: 'word', word: name };
    if (!take('(')) return { kind: 'name', name };
    const args: Hcl[] = [];
    while (!take(')')) {
      args.push(expression());
      if (take('...')) fail('expanded arguments have no counterpart');
      if (!take(',') && !peek(')')) fail('")" is missing');
    }
    return { kind: 'call', name, args };
  }

  function number(): Hcl {
    const found = /^[0-9]+(?:\.[0-9]+)?/.exec(text.slice(at, at + 40));
    if (found === null) return fail(`"${text.slice(at, at + 10)}" cannot be read`);
    at += found[0].length;
    return { kind: 'number', text: found[0] };
  }

  function list(): Hcl {
    const before = at;
    if (word() === 'for') {
      const name = word() ?? fail('a name is missing after for');
      if (peek(',')) fail('for with a key has no counterpart');
      if (word() !== 'in') fail('in is missing');
      const over = expression();
      expect(':');
      const value = expression();
      const mark = at;
      const when = word() === 'if' ? expression() : undefined;
      if (when === undefined) at = mark;
      expect(']');
      return { kind: 'for', name, over, value, ...(when === undefined ? {} : { when }) };
    }
    at = before;
    const items: Hcl[] = [];
    while (!take(']')) {
      items.push(expression());
      if (!take(',') && !peek(']')) fail('"]" is missing');
    }
    return { kind: 'list', items };
  }

  function map(): Hcl {
    const entries: (readonly [Hcl, Hcl])[] = [];
    while (!take('}')) {
      const key = expression();
      if (key.kind === 'name' && key.name === 'for') fail('for in braces has no counterpart');
      if (!take('=')) expect(':');
      const name: Hcl = key.kind === 'name' ? { kind: 'text', value: key.name } : key;
      entries.push([name, expression()]);
      if (!take(',') && !peek('}')) skipBlanks();
    }
    return { kind: 'map', entries };
  }

  return { template };
}
