/**
 * HCL templates of a bake file in JSON as texts of ours: `${TAG}` becomes `${{ vars.TAG }}`, calls become what CEL has
 * for them, functions of the file are put in where they are called. Functions: buildx bake/hclparser/stdlib.go.
 */
import type { Json } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import { isRecord, literal, textList } from './draft.ts';
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
    const parameters = textList(params);
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
          .flatMap((part) => unfold(part, names, 0))
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

/** A call of a function of the file that gives text stands as text with references, not as one long sum. */
function unfold(part: Hcl, names: HclNames, depth: number): readonly Hcl[] {
  const own = part.kind === 'call' ? names.functions.get(part.name) : undefined;
  if (part.kind !== 'call' || own?.result?.kind !== 'template') return [part];
  if (own.parameters.length !== part.args.length || depth >= MAX_DEPTH) return [part];
  const values = new Map(own.parameters.map((parameter, at) => [parameter, part.args[at] as Hcl]));
  return own.result.parts
    .map((inner) => substitute(inner, values))
    .flatMap((inner) => (inner.kind === 'template' ? inner.parts : unfold(inner, names, depth + 1)));
}

interface Printer {
  readonly print: (expression: Hcl) => string;
}

/** Deeper calls of functions of the file are a recursion. */
const MAX_DEPTH = 50;

/** How tightly CEL binds; what binds looser than its place asks for goes into parentheses. */
const BINDING = { choice: 1, or: 2, and: 3, compare: 4, add: 5, multiply: 6, unary: 7, member: 8 } as const;

const OPERATOR_BINDING: Readonly<Record<string, number>> = {
  '||': BINDING.or,
  '&&': BINDING.and,
  '==': BINDING.compare,
  '!=': BINDING.compare,
  '<': BINDING.compare,
  '<=': BINDING.compare,
  '>': BINDING.compare,
  '>=': BINDING.compare,
  in: BINDING.compare,
  '+': BINDING.add,
  '-': BINDING.add,
  '*': BINDING.multiply,
  '/': BINDING.multiply,
  '%': BINDING.multiply,
};

/** CEL text and how tightly its outermost operator binds. */
interface Written {
  readonly text: string;
  readonly binding: number;
}

/** Builds CEL text. */
function createPrinter(names: HclNames): Printer {
  let depth = 0;
  const locals = new Set<string>();

  function print(expression: Hcl, binding: number = BINDING.choice): string {
    const written = write(expression);
    return written.binding < binding ? `(${written.text})` : written.text;
  }

  function write(expression: Hcl): Written {
    switch (expression.kind) {
      case 'text':
        return tight(JSON.stringify(expression.value));
      case 'number':
        return tight(expression.text);
      case 'word':
        return tight(expression.word);
      case 'name':
        return tight(printName(expression.name));
      case 'member':
        return tight(`${print(expression.of, BINDING.member)}.${expression.name.replaceAll('-', '_')}`);
      case 'index':
        return tight(`${print(expression.of, BINDING.member)}[${print(expression.key)}]`);
      case 'unary':
        return writeUnary(expression.operator, expression.of);
      case 'binary':
        return writeBinary(expression.operator, expression.left, expression.right);
      case 'choice':
        return writeChoice(expression.test, expression.yes, expression.no);
      case 'template':
        return writeTemplate(expression.parts);
      case 'list':
        return tight(`[${expression.items.map((item) => print(item)).join(', ')}]`);
      case 'map':
        return tight(
          `{${expression.entries.map(([key, value]) => `${print(key)}: ${print(value)}`).join(', ')}}`,
        );
      case 'for':
        return writeFor(expression);
      case 'call':
        return writeCall(expression.name, expression.args);
    }
  }

  function writeUnary(operator: string, of: Hcl): Written {
    const text = operator === '!' ? condition(of, BINDING.unary) : print(of, BINDING.unary);
    return { text: `${operator}${text}`, binding: BINDING.unary };
  }

  function writeBinary(operator: string, left: Hcl, right: Hcl): Written {
    const binding = OPERATOR_BINDING[operator] ?? BINDING.compare;
    const side = operator === '&&' || operator === '||' ? condition : print;
    return { text: `${side(left, binding)} ${operator} ${side(right, binding + 1)}`, binding };
  }

  function writeChoice(test: Hcl, yes: Hcl, no: Hcl): Written {
    const text = `${condition(test, BINDING.or)} ? ${print(yes, BINDING.or)} : ${print(no)}`;
    return { text, binding: BINDING.choice };
  }

  /** Parts one after the other, those of inner templates among them, neighbouring texts as one. */
  function writeTemplate(parts: readonly Hcl[]): Written {
    const flat: Hcl[] = [];
    for (const part of flatten(parts)) {
      const last = flat.at(-1);
      if (part.kind === 'text' && last?.kind === 'text') {
        flat[flat.length - 1] = { kind: 'text', value: last.value + part.value };
      } else flat.push(part);
    }
    const [first] = flat;
    if (first === undefined) return tight('""');
    if (flat.length === 1 && isText(first)) return write(first);
    return { text: flat.map((part) => asText(part)).join(' + '), binding: BINDING.add };
  }

  function flatten(parts: readonly Hcl[]): readonly Hcl[] {
    return parts.flatMap((part) => (part.kind === 'template' ? flatten(part.parts) : [part]));
  }

  function printName(name: string): string {
    if (locals.has(name)) return name;
    const axis = names.axes.get(name);
    if (axis !== undefined) return `matrix.${axis.name}`;
    if (names.variables.has(name)) return `vars.${name}`;
    if (name === 'target' || name === 'group') {
      throw new Untranslatable('values of other targets cannot be read');
    }
    if (name.startsWith('BAKE_')) throw new Untranslatable(`${name} is known to bake only`);
    throw new Untranslatable(`"${name}" is not a variable of this file`);
  }

  /** HCL takes the text "true" for true; CEL does not. */
  function condition(expression: Hcl, binding: number): string {
    if (!isText(expression)) return print(expression, binding);
    return print(
      { kind: 'binary', operator: '==', left: expression, right: { kind: 'text', value: 'true' } },
      binding,
    );
  }

  function asText(expression: Hcl): string {
    return isText(expression) ? print(expression, BINDING.add) : `string(${print(expression)})`;
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
      case 'call': {
        const own = names.functions.get(expression.name)?.result;
        return own === undefined ? TEXT_CALLS.has(expression.name) : own.kind === 'template';
      }
      default:
        return false;
    }
  }

  function writeFor({ name, over, value, when }: Extract<Hcl, { kind: 'for' }>): Written {
    const list = print(over, BINDING.member);
    const isNew = !locals.has(name);
    locals.add(name);
    const filtered = when === undefined ? list : `${list}.filter(${name}, ${print(when)})`;
    const isSame = value.kind === 'name' && value.name === name;
    const mapped = isSame ? filtered : `${filtered}.map(${name}, ${print(value)})`;
    if (isNew) locals.delete(name);
    return tight(mapped);
  }

  function writeCall(name: string, args: readonly Hcl[]): Written {
    const own = names.functions.get(name);
    if (own !== undefined) return writeOwn(name, own, args);
    const [a, b] = args;
    const operator = Object.hasOwn(OPERATOR_CALLS, name) ? OPERATOR_CALLS[name] : undefined;
    if (operator !== undefined && a !== undefined && b !== undefined) return writeBinary(operator, a, b);
    if (name === 'contains' && a !== undefined && b !== undefined) return writeBinary('in', b, a);
    if (name === 'not' && a !== undefined) return writeUnary('!', a);
    if (name === 'format') return writeFormat(args);
    if (name === 'coalesce') return writeCoalesce(args);
    if (name === 'concat') {
      return { text: args.map((arg) => print(arg, BINDING.add)).join(' + '), binding: BINDING.add };
    }
    if (name === 'lookup' || name === 'trimprefix' || name === 'trimsuffix') return writeLookup(name, args);
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    if (method !== undefined) {
      const receiver = args[method.receiver];
      if (receiver === undefined) throw new Untranslatable(`${name}() is called with too few arguments`);
      const rest = args.filter((_, at) => at !== method.receiver).map((arg) => print(arg));
      return tight(`${print(receiver, BINDING.member)}${method.write(rest)}`);
    }
    const plain = Object.hasOwn(PLAIN_CALLS, name) ? PLAIN_CALLS[name] : undefined;
    if (plain === undefined) throw new Untranslatable(`the function ${name}() has no counterpart`);
    return tight(`${plain}(${args.map((arg) => print(arg)).join(', ')})`);
  }

  function writeOwn(name: string, own: HclFunction, args: readonly Hcl[]): Written {
    if (own.result === undefined || own.parameters.length !== args.length || depth >= MAX_DEPTH) {
      throw new Untranslatable(`the function ${name}() of the file cannot be put in place`);
    }
    depth++;
    const values = new Map(own.parameters.map((parameter, at) => [parameter, args[at] as Hcl]));
    const written = write(substitute(own.result, values));
    depth--;
    return written;
  }

  /** `%s`, `%d` and `%v` only. */
  function writeFormat(args: readonly Hcl[]): Written {
    const [pattern, ...values] = args;
    if (pattern?.kind !== 'text' || /%[^sdv%]/.test(pattern.value)) {
      throw new Untranslatable('this use of format() has no counterpart');
    }
    const parts: Hcl[] = [];
    for (const [at, text] of pattern.value.split(/%[sdv]/).entries()) {
      if (at > 0) parts.push(values[at - 1] ?? { kind: 'text', value: '' });
      if (text !== '') parts.push({ kind: 'text', value: text.replaceAll('%%', '%') });
    }
    return writeTemplate(parts);
  }

  function writeCoalesce(args: readonly Hcl[]): Written {
    const [first, ...rest] = args;
    if (first === undefined) return tight('null');
    if (rest.length === 0) return write(first);
    const value = print(first, BINDING.compare + 1);
    return { text: `${value} != null ? ${value} : ${writeCoalesce(rest).text}`, binding: BINDING.choice };
  }

  function writeLookup(name: string, [a, b, c]: readonly Hcl[]): Written {
    if (a === undefined || b === undefined) throw new Untranslatable(`${name}() lacks an argument`);
    const one = print(a, BINDING.member);
    const other = print(b, BINDING.compare + 1);
    const text =
      name === 'lookup'
        ? `${other} in ${one} ? ${one}[${other}] : ${c === undefined ? 'null' : print(c)}`
        : name === 'trimprefix'
          ? `${one}.startsWith(${other}) ? ${one}.substring(size(${other})) : ${one}`
          : `${one}.endsWith(${other}) ? ${one}.substring(0, size(${one}) - size(${other})) : ${one}`;
    return { text, binding: BINDING.choice };
  }

  return { print };
}

function tight(text: string): Written {
  return { text, binding: BINDING.member };
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

/** Calls that are methods of one of their arguments in CEL. */
const METHODS: Readonly<
  Record<string, { readonly receiver: number; readonly write: (rest: readonly string[]) => string }>
> = {
  lower: { receiver: 0, write: () => '.lowerAscii()' },
  upper: { receiver: 0, write: () => '.upperAscii()' },
  trimspace: { receiver: 0, write: () => '.trim()' },
  replace: { receiver: 0, write: (rest) => `.replace(${rest.join(', ')})` },
  split: { receiver: 1, write: (rest) => `.split(${rest.join('')})` },
  join: { receiver: 1, write: (rest) => `.join(${rest.join('')})` },
  distinct: { receiver: 0, write: () => '.distinct()' },
  flatten: { receiver: 0, write: () => '.flatten()' },
  compact: { receiver: 0, write: () => '.filter(one, one != "")' },
  element: { receiver: 0, write: (rest) => `[${rest.join('')}]` },
  index: { receiver: 0, write: (rest) => `[${rest.join('')}]` },
  substr: { receiver: 0, write: ([from = '0', length = '0']) => `.substring(${from}, ${sum(from, length)})` },
  // Everything but letters, digits, _ and - becomes _; of what occurs in names and versions these are left.
  sanitize: {
    receiver: 0,
    write: () => ['.', '/', ':', '@', '+'].map((sign) => `.replace("${sign}", "_")`).join(''),
  },
};

function sum(a: string, b: string): string {
  return /^\d+$/.test(a) && /^\d+$/.test(b) ? String(Number(a) + Number(b)) : `${a} + ${b}`;
}

/** Calls that are functions here, too. */
const PLAIN_CALLS: Readonly<Record<string, string>> = {
  length: 'size',
  strlen: 'size',
  jsonencode: 'toJSON',
  jsondecode: 'fromJSON',
  md5: 'md5',
  sha256: 'sha256',
};
