/**
 * Breaks long expressions into several lines at their loosest operators, as a person would. Blanks and line breaks
 * between the parts of an expression have no meaning.
 */
import { splitExpressions } from '../util/expression-scan.ts';

/** Longer lines are broken. */
const MAX_WIDTH = 130;
/** Preferred width of broken lines. */
const WIDTH = 112;
/** An expression inside a text that nearly fits is only broken if it is at least this long. */
const MIN_BROKEN = 60;
/** Longest items of a list that share a line. */
const MAX_FILLED = 32;
const STEP = '  ';
/** Approximate indentation of a value in the file. */
const OUTER = 8;

/**
 * Breaks the expressions of a text into as many lines as they need.
 *
 * @param indent columns in front of it
 * @returns the text itself if it is short, has no expression, or already has line breaks
 */
export function breakText(text: string, indent: number): string {
  if (text.length + indent <= MAX_WIDTH || !text.includes('${{') || text.includes('\n')) return text;
  let result = '';
  for (const piece of splitExpressions(text).pieces) {
    if (piece.kind === 'text') {
      // A literal `${{` must stay escaped.
      result += piece.text.replaceAll('${{', () => '$${{');
      continue;
    }
    const isNearlyFit = text.length + indent <= MAX_WIDTH + 30 && piece.code.length < text.length / 2;
    if (isNearlyFit && piece.code.length < MIN_BROKEN) {
      result += text.slice(piece.start, piece.end);
      continue;
    }
    const column = result.length - (result.lastIndexOf('\n') + 1);
    const rest = text.length - piece.end;
    result += `\${{ ${breakCode(piece.code.trim(), STEP.repeat(2), indent + column + 4, rest)} }}`;
  }
  return result;
}

/**
 * @param margin indentation of all lines but the first
 * @param used columns in front of the first line
 * @param behind text after the last line
 */
function breakCode(code: string, margin: string, used: number, behind: number): string {
  if (used + code.length + behind <= WIDTH) return code;
  const at: Place = { margin, used, behind };
  return (
    breakChoice(code, at) ??
    breakOperators(code, [' || '], at) ??
    breakOperators(code, [' && '], at) ??
    breakSum(code, at) ??
    breakBrackets(code, at) ??
    code
  );
}

interface Place {
  readonly margin: string;
  readonly used: number;
  readonly behind: number;
}

/** `a ? b : c ? d : e`: each case on its own line. */
function breakChoice(code: string, { margin, behind }: Place): string | undefined {
  const cuts = cutsAt(code, [' ? ', ' : ']);
  if (!cuts.some(({ operator }) => operator === ' ? ')) return undefined;
  const parts = partsOf(code, cuts);
  const isChain = parts.length > 3;
  const lines: string[] = [];
  for (const [index, { operator, text }] of parts.entries()) {
    const sign = operator.trim();
    const isLast = index === parts.length - 1;
    const prefix = sign === '' ? '' : `${sign} `;
    const inner = sign === '' ? margin : `${margin}${STEP}`;
    const written = `${prefix}${breakCode(text, inner, margin.length + prefix.length + OUTER, isLast ? behind : 0)}`;
    // A case that fits is on the line of its condition.
    const before = lines.at(-1);
    const isCase = isChain && sign === '?' && before !== undefined && !before.includes('\n');
    if (
      isCase &&
      !written.includes('\n') &&
      margin.length + before.length + written.length + OUTER + 1 <= WIDTH
    )
      lines[lines.length - 1] = `${before} ${written}`;
    else lines.push(written);
  }
  return lines.join(`\n${margin}`);
}

/** Operands, each on its own line. */
function breakOperators(code: string, operators: readonly string[], at: Place): string | undefined {
  const cuts = cutsAt(code, operators);
  if (cuts.length === 0) return undefined;
  const { margin, used, behind } = at;
  return partsOf(code, cuts)
    .map(({ operator, text }, index) => {
      const prefix = index === 0 ? '' : `${operator.trim()} `;
      const column = index === 0 ? used : margin.length + OUTER + prefix.length;
      return `${prefix}${breakCode(text, `${margin}${STEP}`, column, index === cuts.length ? behind : 0)}`;
    })
    .join(`\n${margin}`);
}

/** Concatenated texts fill lines; lists get their own lines. */
function breakSum(code: string, at: Place): string | undefined {
  const cuts = cutsAt(code, [' + ']);
  if (cuts.length === 0) return undefined;
  const parts = partsOf(code, cuts);
  if (parts.some(({ text }) => text.startsWith('[') || text.endsWith(']')))
    return breakOperators(code, [' + '], at);
  const { margin, used, behind } = at;
  let result = '';
  let column = used;
  for (const [index, { operator, text }] of parts.entries()) {
    const sign = operator === '' ? '' : '+ ';
    const after = index === parts.length - 1 ? behind : 0;
    if (result !== '' && column + sign.length + text.length + after + 1 > WIDTH) {
      result += `\n${margin}`;
      column = margin.length + OUTER;
    } else if (result !== '') {
      result += ' ';
      column++;
    }
    const piece = `${sign}${breakCode(text, `${margin}${STEP}`, column + sign.length, after)}`;
    result += piece;
    column = piece.includes('\n') ? WIDTH : column + piece.length;
  }
  return result;
}

/** The content of the longest brackets, each item on its own line. */
function breakBrackets(code: string, at: Place): string | undefined {
  const { margin } = at;
  const found = longestBrackets(code);
  if (found === undefined) return undefined;
  const [open, close] = found;
  const inner = code.slice(open + 1, close);
  const items = partsOf(inner, cutsAt(inner, [', ']));
  const head = code.slice(0, open + 1);
  const tail = code.slice(close);
  const deeper = `${margin}${STEP}`;
  // `list.map(name, …)` keeps its name.
  const isLoop = /\.(?:map|filter|exists|all|exists_one)\($/.test(head) && items.length === 2;
  const [name, body] = items;
  if (isLoop && name !== undefined && body !== undefined)
    return `${head}${name.text},\n${deeper}${breakCode(body.text, deeper, deeper.length + OUTER, 0)}\n${margin}${tail}`;
  const [only] = items;
  // `f(g(…))` has one indentation level.
  if (items.length === 1 && only !== undefined && isCall(only.text)) {
    const nested = breakBrackets(only.text, at);
    if (nested !== undefined) return `${head}${nested}${tail}`;
  }
  if (items.every(({ text }) => text.length <= MAX_FILLED && !/[({[]/.test(text)))
    return `${head}\n${deeper}${filled(items, deeper)}\n${margin}${tail}`;
  const lines = items.map(({ text }) =>
    breakCode(text, isCall(text) ? deeper : `${deeper}${STEP}`, deeper.length + OUTER, 1),
  );
  return `${head}\n${deeper}${lines.join(`,\n${deeper}`)}\n${margin}${tail}`;
}

/** Short items, as many as fit on a line. */
function filled(items: readonly Part[], margin: string): string {
  let result = '';
  let column = margin.length + OUTER;
  for (const [index, { text }] of items.entries()) {
    const piece = index === items.length - 1 ? text : `${text},`;
    if (index > 0 && column + piece.length + 1 > WIDTH) {
      result += `\n${margin}${piece}`;
      column = margin.length + OUTER + piece.length;
    } else {
      result += index === 0 ? piece : ` ${piece}`;
      column += piece.length + 1;
    }
  }
  return result;
}

/** Whether a text is one pair of brackets, optionally with a name in front. */
function isCall(code: string): boolean {
  const [open = 0, close] = longestBrackets(code) ?? [];
  return close === code.length - 1 && /^[\w.]*$/.test(code.slice(0, open));
}

interface Cut {
  readonly start: number;
  readonly operator: string;
}

interface Part {
  readonly operator: string;
  readonly text: string;
}

/** Positions of operators outside of quotes and brackets. */
function cutsAt(code: string, operators: readonly string[]): readonly Cut[] {
  const cuts: Cut[] = [];
  walk(code, (at, depth) => {
    if (depth > 0) return;
    const operator = operators.find((one) => code.startsWith(one, at));
    if (operator !== undefined) cuts.push({ start: at, operator });
  });
  return cuts;
}

function partsOf(code: string, cuts: readonly Cut[]): readonly Part[] {
  const starts = [{ start: 0, operator: '' }, ...cuts];
  return starts.map(({ start, operator }, index) => ({
    operator,
    text: code.slice(start + operator.length, starts[index + 1]?.start ?? code.length),
  }));
}

function longestBrackets(code: string): readonly [number, number] | undefined {
  let longest: readonly [number, number] | undefined;
  let open = -1;
  walk(code, (at, depth) => {
    const sign = code[at] ?? '';
    if ('([{'.includes(sign) && depth === 0) open = at;
    if (!')]}'.includes(sign) || depth !== 0 || open === -1) return;
    if (longest === undefined || at - open > longest[1] - longest[0]) longest = [open, at];
  });
  return longest !== undefined && longest[1] - longest[0] > 1 ? longest : undefined;
}

/** Visits characters outside of quotes; a bracket has the depth of its surroundings. */
function walk(code: string, visit: (at: number, depth: number) => void): void {
  let depth = 0;
  for (let at = 0; at < code.length; at++) {
    const sign = code[at] ?? '';
    if (sign === '"' || sign === "'") {
      at = endOfQuoted(code, at);
      continue;
    }
    if (')]}'.includes(sign)) depth--;
    visit(at, depth);
    if ('([{'.includes(sign)) depth++;
  }
}

function endOfQuoted(code: string, start: number): number {
  for (let at = start + 1; at < code.length; at++) {
    if (code[at] === '\\') at++;
    else if (code[at] === code[start]) return at;
  }
  return code.length;
}
