/**
 * Finds places for small changes of a source file, and makes the file with all these changes in it, each behind a
 * switch.
 *
 * Types, names of properties, import paths and sentences for people are not changed: the first cannot change behaviour,
 * and the last are not worth a test each.
 */
import { parseAst } from 'rolldown/parseAst';

/**
 * @typedef {{ id: number, file: string, line: number, column: number, kind: string, from: string, to: string }} Mutant
 * @typedef {{ start: number, end: number, form: 'expression' | 'entry' | 'block', choices: { id: number, text: string }[] }} Site
 */

/** Functions with a sentence for people as an argument: name → its position. */
const SENTENCES = { problem: 1, unknown: 1, Error: 0, TypeError: 0, RangeError: 0 };

/** Properties that hold sentences for people. */
const SENTENCE_KEYS = new Set(['hint', 'detail', 'message', 'text']);

/** Methods with a likely mistake: another method, or (empty) no call at all. */
const METHODS = {
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  min: 'max',
  max: 'min',
  filter: '',
  sort: '',
  toSorted: '',
  reverse: '',
  trim: '',
  trimEnd: '',
  trimStart: '',
  toLowerCase: '',
  toUpperCase: '',
  slice: '',
  replace: '',
  replaceAll: '',
};

const OPPOSITES = {
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  in: '',
  instanceof: '',
};
const BOUNDARIES = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const ARITHMETIC = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&': '|',
  '|': '&',
  '<<': '>>',
  '>>': '<<',
};
const LOGICAL = { '&&': '||', '||': '&&', '??': '&&' };
const ASSIGNMENTS = { '+=': '-=', '-=': '+=', '*=': '/=', '??=': '=', '||=': '=', '&&=': '=' };

/**
 * Finds the mutants of one file and writes the file with all of them in it.
 *
 * @param {string} file relative to the repository
 * @param {string} text
 * @param {number} firstId ids count up from here
 * @param {string} switchUrl of mutants-switch.mjs, from which the instrumented file imports `mutant`
 * @returns {{ mutants: Mutant[], instrumented: string }}
 */
export function mutateFile(file, text, firstId, switchUrl) {
  const mutants = [];
  /** @type {Map<string, Site>} */
  const sites = new Map();
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);

  const add = (form, { start, end }, kind, replacement, at = start) => {
    const key = `${form} ${start} ${end}`;
    const site = sites.get(key) ?? { start, end, form, choices: [] };
    sites.set(key, site);
    const id = firstId + mutants.length;
    site.choices.push({ id, text: replacement });
    const line = lineStarts.findLastIndex((first) => first <= at);
    mutants.push({
      id,
      file,
      line: line + 1,
      column: at - (lineStarts[line] ?? 0) + 1,
      kind,
      from: oneLine(text.slice(start, end)),
      to: oneLine(replacement),
    });
  };
  findSites(parseAst(text, { lang: 'ts' }, file), text, add);

  const ordered = [...sites.values()].sort((a, b) => a.start - b.start || b.end - a.end);
  const instrumented = `import { mutant as __mutant } from '${switchUrl}'; ${render(text, ordered)}`;
  return { mutants, instrumented };
}

function oneLine(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 90 ? `${line.slice(0, 87)}…` : line;
}

/** Sites nest but never overlap. A replacement contains the original text, so that one mutant at a time is active. */
function render(text, sites) {
  let next = 0;
  const renderRange = (start, end) => {
    let out = '';
    let at = start;
    while (next < sites.length && sites[next].start < end) {
      const site = sites[next++];
      out += text.slice(at, site.start);
      const inner = renderRange(site.start, site.end);
      out += wrap(site, inner);
      at = site.end;
    }
    return out + text.slice(at, end);
  };
  return renderRange(0, text.length);
}

function wrap({ form, choices }, inner) {
  switch (form) {
    case 'entry':
      return `{ if (__mutant(${choices[0].id})) return; ${inner.slice(1)}`;
    case 'block':
      return `{ if (!__mutant(${choices[0].id})) ${inner} }`;
    default:
      return `(${choices.map(({ id, text }) => `__mutant(${id}) ? (${text}) : `).join('')}(${inner}))`;
  }
}

/** Calls `add` for every mutation in the tree. */
function findSites(ast, text, add) {
  const source = (node) => text.slice(node.start, node.end);
  const replaced = (node, part, by) =>
    text.slice(node.start, part.start) + by + text.slice(part.end, node.end);

  function visit(node, context) {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      for (const item of node) visit(item, context);
      return;
    }
    if (typeof node.type !== 'string') return;
    const handler = HANDLERS[node.type];
    const rest = { parent: node, isCondition: false, isSentence: context.isSentence, chain: undefined };
    if (handler !== undefined) handler(node, rest, context);
    else visitChildren(node, rest);
  }

  function visitChildren(node, context, except = []) {
    for (const [key, child] of Object.entries(node)) {
      if (key !== 'type' && key !== 'parent' && !except.includes(key)) visit(child, context);
    }
  }

  /** Replaces part of an expression. Within an optional chain the whole chain is repeated, so that it still short-circuits. */
  function addPart(node, context, kind, replacement) {
    const whole = context.chain ?? node;
    add('expression', whole, kind, replaced(whole, node, replacement), node.start);
  }

  function visitCondition(test, context, choices) {
    for (const choice of choices) add('expression', test, 'condition', choice);
    visit(test, { ...context, isCondition: true });
  }

  function visitFunction(node, rest) {
    visit(node.params, rest);
    if (node.body === null || node.body === undefined) return;
    if (node.body.type !== 'BlockStatement' && node.body.type !== 'FunctionBody') {
      if (!rest.isSentence && !isEmptyLiteral(node.body))
        add('expression', node.body, 'result of the function', 'undefined');
    } else if (node.body.body.length > 0) {
      add('entry', node.body, 'early return', '{ return; }');
    }
    visit(node.body, rest);
  }

  function visitCallee(callee, rest, context) {
    if (callee.type !== 'MemberExpression') {
      visit(callee, rest);
      return;
    }
    visit(callee.object, { ...rest, chain: context.chain });
    if (callee.computed) visit(callee.property, rest);
  }

  function isEmptyLiteral(node) {
    return (
      (node.type === 'ObjectExpression' && node.properties.length === 0) ||
      (node.type === 'ArrayExpression' && node.elements.length === 0) ||
      (node.type === 'Identifier' && node.name === 'undefined')
    );
  }

  function returnsNothing({ body }) {
    return (
      body.length === 1 &&
      body[0].type === 'ReturnStatement' &&
      (body[0].argument === null ||
        (isEmptyLiteral(body[0].argument) && body[0].argument.type === 'Identifier'))
    );
  }

  function addRegex(node) {
    for (const [kind, pattern] of regexMutations(node.regex.pattern)) {
      add('expression', node, `regex: ${kind}`, `/${pattern}/${node.regex.flags}`);
    }
    if (node.regex.flags.includes('i')) {
      add('expression', node, 'regex: flag i', `/${node.regex.pattern}/${node.regex.flags.replace('i', '')}`);
    }
  }

  const skip = () => {};
  const HANDLERS = {
    ImportDeclaration: skip,
    ImportExpression: skip,
    ExportAllDeclaration: skip,
    TSTypeAliasDeclaration: skip,
    TSInterfaceDeclaration: skip,
    TSTypeAnnotation: skip,
    TSTypeParameterDeclaration: skip,
    TSTypeParameterInstantiation: skip,
    TSDeclareFunction: skip,
    TSAsExpression: (node, rest, context) =>
      visit(node.expression, { ...rest, isCondition: context.isCondition }),
    TSSatisfiesExpression: (node, rest) => visit(node.expression, rest),
    ParenthesizedExpression: (node, _rest, context) => visit(node.expression, context),
    ExportNamedDeclaration: (node, rest) => visit(node.declaration, rest),
    FunctionDeclaration: visitFunction,
    FunctionExpression: visitFunction,
    ArrowFunctionExpression: visitFunction,
    IfStatement(node, rest) {
      visitCondition(node.test, rest, ['true', 'false']);
      visit(node.consequent, rest);
      visit(node.alternate, rest);
    },
    ConditionalExpression(node, rest, context) {
      if (context.isSentence) return;
      visitCondition(node.test, rest, ['true', 'false']);
      // Emptying `{ a }` beside `{}` equals negating the condition.
      visit(node.consequent, { ...rest, isTwin: isEmptyLiteral(node.alternate) });
      visit(node.alternate, { ...rest, isTwin: isEmptyLiteral(node.consequent) });
    },
    WhileStatement(node, rest) {
      visitCondition(node.test, rest, ['false']);
      visit(node.body, rest);
    },
    DoWhileStatement(node, rest) {
      visitCondition(node.test, rest, ['false']);
      visit(node.body, rest);
    },
    ForStatement(node, rest) {
      visit(node.init, rest);
      if (node.test !== null) visitCondition(node.test, rest, ['false']);
      visit(node.body, rest);
    },
    ForOfStatement(node, rest) {
      if (!isEmptyLiteral(node.right)) add('expression', node.right, 'loop', '[]');
      visit(node.right, { ...rest, isTwin: true });
      visit(node.body, rest);
    },
    CatchClause(node, rest) {
      if (node.body.body.length > 0 && !returnsNothing(node.body))
        add('block', node.body, 'catch block', '{}');
      visit(node.body, rest);
    },
    TryStatement(node, rest) {
      visit(node.block, rest);
      visit(node.handler, rest);
      if (node.finalizer !== null) {
        add('block', node.finalizer, 'finally block', '{}');
        visit(node.finalizer, rest);
      }
    },
    ExpressionStatement(node, rest) {
      if (node.directive !== undefined && node.directive !== null) return;
      const { expression } = node;
      if (!(expression.type === 'CallExpression' && expression.callee.type === 'Super'))
        add('expression', expression, 'statement', 'undefined');
      visit(expression, { ...rest, isStatement: true });
    },
    LogicalExpression(node, rest, context) {
      if (!context.isSentence) {
        const to = `(${source(node.left)}) ${LOGICAL[node.operator]} (${source(node.right)})`;
        add('expression', node, 'logic', to);
      }
      visit(node.left, rest);
      visit(node.right, rest);
    },
    BinaryExpression(node, rest, context) {
      const { operator, left, right } = node;
      const by = (other) => `(${source(left)}) ${other} (${source(right)})`;
      if (!context.isSentence) {
        // Changing `length > 0` to `>= 0` equals a condition that is true.
        const isSame = context.isCondition && operator === '>' && right.value === 0;
        if (BOUNDARIES[operator] !== undefined && !isSame)
          add('expression', node, 'boundary', by(BOUNDARIES[operator]));
        if (OPPOSITES[operator] !== undefined && !context.isCondition) {
          const negated = OPPOSITES[operator] === '' ? `!(${source(node)})` : by(OPPOSITES[operator]);
          add('expression', node, 'comparison', negated);
        }
        if (ARITHMETIC[operator] !== undefined)
          add('expression', node, 'arithmetic', by(ARITHMETIC[operator]));
      }
      const isComparison = OPPOSITES[operator] !== undefined;
      // With one side emptied it is never equal, which mutants of the condition cover already.
      const side = { ...rest, isTwin: isComparison && context.isCondition };
      visit(left, side);
      visit(right, side);
    },
    UnaryExpression(node, rest, context) {
      if (!context.isSentence && !context.isCondition && ['!', '-'].includes(node.operator)) {
        add('expression', node, 'unary', source(node.argument));
      }
      if (node.operator !== 'delete') visit(node.argument, rest);
    },
    UpdateExpression(node, _rest, context) {
      if (context.isStatement) return;
      const other = node.operator === '++' ? '--' : '++';
      const target = source(node.argument);
      add('expression', node, 'arithmetic', node.prefix ? `${other}${target}` : `${target}${other}`);
    },
    AssignmentExpression(node, rest) {
      const other = ASSIGNMENTS[node.operator];
      if (other !== undefined)
        add('expression', node, 'assignment', `${source(node.left)} ${other} ${source(node.right)}`);
      if (node.left.type === 'MemberExpression') visitCallee(node.left, rest, {});
      visit(node.right, rest);
    },
    AssignmentPattern: (node, rest) => visit(node.right, rest),
    Literal(node, _rest, context) {
      if (node.regex !== undefined && node.regex !== null) addRegex(node);
      else if (typeof node.value === 'boolean') add('expression', node, 'boolean', String(!node.value));
      else if (typeof node.value === 'string' && node.value !== '') {
        if (!context.isSentence && context.isTwin !== true) add('expression', node, 'string', "''");
      }
    },
    TemplateLiteral(node, rest, context) {
      if (context.isSentence) return;
      if (context.isTwin !== true) add('expression', node, 'string', "''");
      const inner = node.quasis.slice(1, -1);
      if (inner.some((quasi) => quasi.value.raw !== '')) {
        const joined = node.expressions.map((part) => `\${${source(part)}}`).join('');
        const first = node.quasis[0].value.raw;
        const last = node.quasis.at(-1).value.raw;
        add('expression', node, 'parts run together', `\`${first}${joined}${last}\``);
      }
      visit(node.expressions, rest);
    },
    TaggedTemplateExpression: skip,
    ArrayExpression(node, rest, context) {
      if (node.elements.length > 0 && context.isTwin !== true && !context.isSentence)
        add('expression', node, 'array', '[]');
      visit(node.elements, rest);
    },
    ObjectExpression(node, rest, context) {
      if (node.properties.length > 0 && context.isTwin !== true && !context.isSentence)
        add('expression', node, 'object', '{}');
      visit(node.properties, { ...rest, isSentence: context.isSentence });
    },
    Property(node, rest) {
      if (node.shorthand) return;
      const name = node.computed ? undefined : (node.key.name ?? node.key.value);
      if (node.computed) visit(node.key, rest);
      visit(node.value, { ...rest, isSentence: rest.isSentence || SENTENCE_KEYS.has(name) });
    },
    PropertyDefinition: (node, rest) => visit(node.value, rest),
    MethodDefinition: (node, rest) => visit(node.value, rest),
    ChainExpression: (node, rest, context) =>
      visit(node.expression, { ...rest, chain: context.chain ?? node, isSentence: context.isSentence }),
    MemberExpression(node, rest, context) {
      addOptional(node, node.object, context);
      visit(node.object, { ...rest, chain: context.chain });
      if (node.computed) visit(node.property, rest);
    },
    CallExpression(node, rest, context) {
      const { callee } = node;
      addOptional(node, callee, context);
      const method =
        callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : undefined;
      const other = method === undefined || !Object.hasOwn(METHODS, method) ? undefined : METHODS[method];
      if (callee.type === 'MemberExpression') addOptional(callee, callee.object, context);
      if (other !== undefined && !context.isSentence) {
        if (other === '') addPart(node, context, `no ${method}`, source(callee.object));
        else addPart(node, context, `${method} → ${other}`, replaced(node, callee.property, other));
      }
      visitCallee(callee, rest, context);
      visitArguments(node, rest);
    },
    NewExpression(node, rest) {
      visitArguments(node, rest);
    },
  };

  visit(ast, { parent: undefined, isCondition: false, isSentence: false });

  function visitArguments(node, rest) {
    const name = node.callee.name ?? '';
    const sentence = Object.hasOwn(SENTENCES, name) || !name.endsWith('Error') ? SENTENCES[name] : 0;
    for (const [index, argument] of node.arguments.entries()) {
      visit(argument, { ...rest, isSentence: rest.isSentence || index === sentence });
    }
  }

  function addOptional(node, object, context) {
    if (node.optional !== true || context.isSentence) return;
    const gap = text.indexOf('?.', object.end);
    const isPlain = node.type === 'MemberExpression' && !node.computed;
    const whole = context.chain ?? node;
    add(
      'expression',
      whole,
      'optional chaining',
      replaced(whole, { start: gap, end: gap + 2 }, isPlain ? '.' : ''),
      gap,
    );
  }
}

/** Small changes of a regular expression: a description and the new pattern. */
function* regexMutations(pattern) {
  for (let at = 0; at < pattern.length; at++) {
    const without = pattern.slice(0, at) + pattern.slice(at + 1);
    switch (pattern[at]) {
      case '\\':
        at++;
        if ('dswDSW'.includes(pattern[at])) {
          const char = pattern[at];
          const other = char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
          yield ['class', pattern.slice(0, at) + other + pattern.slice(at + 1)];
        }
        break;
      case '[': {
        yield [
          'class',
          pattern[at + 1] === '^'
            ? pattern.slice(0, at + 1) + pattern.slice(at + 2)
            : `${pattern.slice(0, at + 1)}^${pattern.slice(at + 1)}`,
        ];
        for (at++; at < pattern.length && pattern[at] !== ']'; at++) if (pattern[at] === '\\') at++;
        break;
      }
      case '^':
      case '$':
        yield ['anchor', without];
        break;
      case '+':
        yield ['quantifier', without];
        break;
      case '*':
        yield ['quantifier', `${pattern.slice(0, at)}+${pattern.slice(at + 1)}`];
        break;
      case '?':
        // Not after `(` (a group's kind) or another quantifier (laziness).
        if (!/[(+*?}]/.test(pattern[at - 1] ?? '(')) yield ['quantifier', without];
        break;
      default:
    }
  }
}
