/**
 * HCL templates of a bake file in JSON as texts of ours: `${TAG}` becomes `${{ vars.TAG }}`, calls become what CEL has
 * for them, functions of the file are put in where they are called. Functions: buildx bake/hclparser/stdlib.go.
 */
import type { Json } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import { isRecord, literal } from './draft.ts';
import { type Hcl, isTemplate, parseTemplate, Untranslatable } from './hcl-parse.ts';

/** A function that the file defines. */
export interface HclFunction {
  readonly parameters: readonly string[];
  /** Undefined: it cannot be carried over. */
  readonly result?: Hcl;
}

/** What names in an expression may mean. */
export interface HclNames {
  readonly variables: ReadonlyMap<string, { readonly isText: boolean }>;
  readonly functions: ReadonlyMap<string, HclFunction>;
  /** Axes of the matrix, with the names they have here. */
  readonly axes: ReadonlyMap<string, { readonly name: string; readonly isText: boolean }>;
}

/** Reads the `function` blocks. */
export function readFunctions(
  blocks: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): ReadonlyMap<string, HclFunction> {
  const functions = new Map<string, HclFunction>();
  for (const [name, { params, result, variadic_params: rest }] of blocks) {
    const parameters = Array.isArray(params) ? params.map(String) : [];
    const expression = rest === undefined && typeof result === 'string' ? tryParse(result) : undefined;
    functions.set(name, { parameters, ...(expression === undefined ? {} : { result: expression }) });
  }
  return functions;
}

function tryParse(text: string): Hcl | undefined {
  try {
    return asExpression(parseTemplate(text));
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return undefined;
    throw thrown;
  }
}

/** A template that is one expression is that expression. */
function asExpression(parts: readonly Hcl[]): Hcl {
  const [first] = parts;
  if (first === undefined) return { kind: 'text', value: '' };
  return parts.length === 1 ? first : { kind: 'template', parts };
}

/** A reader of texts; what it cannot translate becomes null and is reported with the reason. */
export function createHclReader(names: HclNames, report: (text: string, why: string) => void): TextReader {
  return {
    isComputed: isTemplate,
    textOf: (text): Json => {
      if (!isTemplate(text)) return literal(text);
      try {
        const printer = createPrinter(names);
        return parseTemplate(text)
          .map((part) => (part.kind === 'text' ? literal(part.value) : `\${{ ${printer.print(part)} }}`))
          .join('');
      } catch (thrown) {
        if (!(thrown instanceof Untranslatable)) throw thrown;
        report(text, thrown.message);
        return null;
      }
    },
  };
}

interface Printer {
  readonly print: (expression: Hcl) => string;
}

/** Deeper calls of functions of the file are a recursion. */
const MAX_DEPTH = 50;

/** Builds CEL text; parentheses wherever an operator stands inside another. */
function createPrinter(names: HclNames): Printer {
  let depth = 0;
  const locals = new Set<string>();

  function print(expression: Hcl): string {
    switch (expression.kind) {
      case 'text':
        return quote(expression.value);
      case 'number':
        return expression.text;
      case 'word':
        return expression.word;
      case 'name':
        return printName(expression.name);
      case 'member':
        return `${inner(expression.of)}.${expression.name.replaceAll('-', '_')}`;
      case 'index':
        return `${inner(expression.of)}[${print(expression.key)}]`;
      case 'unary':
        return expression.operator === '!' ? `!${condition(expression.of)}` : `-${inner(expression.of)}`;
      case 'binary':
        return printBinary(expression.operator, expression.left, expression.right);
      case 'choice':
        return `${condition(expression.test)} ? ${inner(expression.yes)} : ${inner(expression.no)}`;
      case 'template':
        return expression.parts.map((part) => asText(part)).join(' + ');
      case 'list':
        return `[${expression.items.map(print).join(', ')}]`;
      case 'map':
        return `{${expression.entries.map(([key, value]) => `${print(key)}: ${print(value)}`).join(', ')}}`;
      case 'for':
        return printFor(expression);
      case 'call':
        return printCall(expression.name, expression.args);
    }
  }

  /** The same where an operator follows or precedes. */
  function inner(expression: Hcl): string {
    const text = print(expression);
    const isSimple =
      !/[ ?]/.test(text) || /^"(?:[^"\\]|\\.)*"$/.test(text) || /^[\w.]+\([^()]*\)$/.test(text);
    return isSimple || /^\[[^[\]]*\]$/.test(text) ? text : `(${text})`;
  }

  function printName(name: string): string {
    if (locals.has(name)) return name;
    const axis = names.axes.get(name);
    if (axis !== undefined) return `matrix.${axis.name}`;
    if (names.variables.has(name)) return `vars.${name}`;
    if (name === 'target' || name === 'group')
      throw new Untranslatable('values of other targets cannot be read');
    if (name.startsWith('BAKE_')) throw new Untranslatable(`${name} is known to bake only`);
    throw new Untranslatable(`"${name}" is no variable of this file`);
  }

  function printBinary(operator: string, left: Hcl, right: Hcl): string {
    if (operator === '&&' || operator === '||') return `${condition(left)} ${operator} ${condition(right)}`;
    return `${inner(left)} ${operator} ${inner(right)}`;
  }

  /** HCL takes the text "true" for true; CEL does not. */
  function condition(expression: Hcl): string {
    return isText(expression) ? `(${print(expression)} == "true")` : inner(expression);
  }

  function asText(expression: Hcl): string {
    return isText(expression) ? inner(expression) : `string(${print(expression)})`;
  }

  function isText(expression: Hcl): boolean {
    switch (expression.kind) {
      case 'text':
      case 'template':
        return true;
      case 'name':
        return (
          names.axes.get(expression.name)?.isText ?? names.variables.get(expression.name)?.isText ?? false
        );
      case 'choice':
        return isText(expression.yes) && isText(expression.no);
      case 'call':
        return TEXT_CALLS.has(expression.name);
      default:
        return false;
    }
  }

  function printFor(expression: Extract<Hcl, { kind: 'for' }>): string {
    const { name, over, value, when } = expression;
    const list = inner(over);
    const isNew = !locals.has(name);
    locals.add(name);
    const filtered = when === undefined ? list : `${list}.filter(${name}, ${print(when)})`;
    const mapped = `${filtered}.map(${name}, ${print(value)})`;
    if (isNew) locals.delete(name);
    return mapped;
  }

  function printCall(name: string, args: readonly Hcl[]): string {
    const own = names.functions.get(name);
    if (own !== undefined) return printOwn(name, own, args);
    const [a, b, c] = args;
    const operator = OPERATOR_CALLS[name];
    if (operator !== undefined && a !== undefined && b !== undefined) return printBinary(operator, a, b);
    const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
    if (call === undefined) throw new Untranslatable(`the function ${name}() has no counterpart`);
    if (name === 'not' && a !== undefined) return `!${condition(a)}`;
    if (name === 'format') return printFormat(args);
    if (name === 'coalesce') return printCoalesce(args);
    if (name === 'concat') return args.map(inner).join(' + ');
    const texts = [a, b, c].map((one) => (one === undefined ? '' : inner(one)));
    return call(texts[0] ?? '', texts[1] ?? '', texts[2] ?? '');
  }

  function printOwn(name: string, own: HclFunction, args: readonly Hcl[]): string {
    if (own.result === undefined || own.parameters.length !== args.length || depth >= MAX_DEPTH) {
      throw new Untranslatable(`the function ${name}() of the file cannot be put in place`);
    }
    depth++;
    const values = new Map(own.parameters.map((parameter, at) => [parameter, args[at] as Hcl]));
    const text = print(substitute(own.result, values));
    depth--;
    return /[ ?]/.test(text) ? `(${text})` : text;
  }

  /** `%s`, `%d` and `%v` only. */
  function printFormat(args: readonly Hcl[]): string {
    const [pattern, ...values] = args;
    if (pattern?.kind !== 'text' || /%[^sdv%]/.test(pattern.value))
      throw new Untranslatable('this use of format() has no counterpart');
    const parts: Hcl[] = [];
    for (const [at, text] of pattern.value.split(/%[sdv]/).entries()) {
      if (at > 0) parts.push(values[at - 1] ?? { kind: 'text', value: '' });
      if (text !== '') parts.push({ kind: 'text', value: text.replaceAll('%%', '%') });
    }
    return print({ kind: 'template', parts });
  }

  function printCoalesce(args: readonly Hcl[]): string {
    const [first, ...rest] = args;
    if (first === undefined) return 'null';
    if (rest.length === 0) return inner(first);
    return `(${inner(first)} != null ? ${inner(first)} : ${printCoalesce(rest)})`;
  }

  return { print };
}

function substitute(expression: Hcl, values: ReadonlyMap<string, Hcl>): Hcl {
  if (expression.kind === 'name') return values.get(expression.name) ?? expression;
  const replaced = Object.entries(expression).map(([key, value]: [string, unknown]) => {
    if (Array.isArray(value)) return [key, value.map((item: unknown) => substituteAny(item, values))];
    return [key, isRecord(value) ? substitute(value as unknown as Hcl, values) : value];
  });
  return Object.fromEntries(replaced) as Hcl;
}

function substituteAny(item: unknown, values: ReadonlyMap<string, Hcl>): unknown {
  if (Array.isArray(item)) return item.map((one: unknown) => substituteAny(one, values));
  return isRecord(item) ? substitute(item as unknown as Hcl, values) : item;
}

/** CEL's string literal. */
function quote(text: string): string {
  return JSON.stringify(text);
}

const OPERATOR_CALLS: Readonly<Record<string, string>> = {
  equal: '==',
  notequal: '!=',
  and: '&&',
  or: '||',
  greaterthan: '>',
  greaterthanorequalto: '>=',
  lessthan: '<',
  lessthanorequalto: '<=',
  add: '+',
  subtract: '-',
  multiply: '*',
  modulo: '%',
};

/** Calls whose result is text whatever they are given. */
const TEXT_CALLS: ReadonlySet<string> = new Set([
  'replace',
  'lower',
  'upper',
  'join',
  'format',
  'trimspace',
  'sanitize',
  'substr',
  'md5',
  'sha256',
  'jsonencode',
  'trimprefix',
  'trimsuffix',
]);

/** Calls by the name they have in HCL; the arguments are CEL already. */
const CALLS: Readonly<Record<string, (a: string, b: string, c: string) => string>> = {
  not: (a) => `!${a}`,
  format: (a) => a,
  coalesce: (a) => a,
  concat: (a) => a,
  lower: (a) => `${a}.lowerAscii()`,
  upper: (a) => `${a}.upperAscii()`,
  trimspace: (a) => `${a}.trim()`,
  replace: (a, b, c) => `${a}.replace(${bare(b)}, ${bare(c)})`,
  split: (a, b) => `${b}.split(${bare(a)})`,
  join: (a, b) => `${b}.join(${bare(a)})`,
  contains: (a, b) => `${b} in ${a}`,
  length: (a) => `size(${bare(a)})`,
  strlen: (a) => `size(${bare(a)})`,
  distinct: (a) => `${a}.distinct()`,
  flatten: (a) => `${a}.flatten()`,
  compact: (a) => `${a}.filter(one, one != "")`,
  element: (a, b) => `${a}[${bare(b)}]`,
  index: (a, b) => `${a}[${bare(b)}]`,
  lookup: (a, b, c) => `(${b} in ${a} ? ${a}[${bare(b)}] : ${c})`,
  substr: (a, b, c) =>
    `${a}.substring(${bare(b)}, ${/^\d+$/.test(b) && /^\d+$/.test(c) ? Number(b) + Number(c) : `${b} + ${c}`})`,
  trimprefix: (a, b) => `(${a}.startsWith(${bare(b)}) ? ${a}.substring(size(${bare(b)})) : ${a})`,
  trimsuffix: (a, b) =>
    `(${a}.endsWith(${bare(b)}) ? ${a}.substring(0, size(${bare(a)}) - size(${bare(b)})) : ${a})`,
  jsonencode: (a) => `toJSON(${bare(a)})`,
  jsondecode: (a) => `fromJSON(${bare(a)})`,
  md5: (a) => `md5(${bare(a)})`,
  sha256: (a) => `sha256(${bare(a)})`,
  // Everything but letters, digits, _ and - becomes _; of what occurs in names and versions these are left.
  sanitize: (a) =>
    ['.', '/', ':', '@', '+', ' '].reduce((text, sign) => `${text}.replace(${quote(sign)}, "_")`, a),
};

/** Without the parentheses that an argument does not need. */
function bare(text: string): string {
  return /^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text;
}
