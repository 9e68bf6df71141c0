/** Mistakes in YAML as problems: in the words of people where people make them, in the package's own for the rest. */
import { type Problem, problem, type Span } from '../../model/mod.ts';
import { openingOf } from '../../util/open-quote.ts';
import type { Origin } from '../tree.ts';

/** The problem of a file that nests too deep, at `start`. */
export function tooDeep(origin: Origin, start = 0): Problem {
  return problem('config/too-deep', 'The file nests deeper than 100 levels', {
    hint: 'Look for a missing closing bracket.',
    span: { source: origin.source, start, end: Math.min(start + 1, origin.source.text.length) },
  });
}

/** The problem of a key that a map has already, if not in the same writing. */
export function duplicateKey(name: string, twin: string, span: Span): Problem {
  return problem('config/duplicate-key', `The key "${name}" appears twice in this map`, {
    hint:
      name === twin
        ? 'Keep one of the two.'
        : `YAML reads ${twin} as the same key. Put quotes around both if they are different.`,
    span,
  });
}

/** Words for the mistakes people make; the parser's own sentence for the rest. */
export function yamlProblem(origin: Origin, code: string, message: string, pos: [number, number]): Problem {
  const { source } = origin;
  const start = Math.min(pos[0], source.text.length);
  const span = { source, start, end: Math.max(start, Math.min(pos[1], source.text.length)) };
  if (message.includes('call stack')) return tooDeep(origin, start);
  const lineStart = source.text.lastIndexOf('\n', start - 1) + 1;
  const before = source.text.slice(lineStart, Math.max(span.end, start + 1));
  if (code === 'TAB_AS_INDENT' || /^[ ]*\t/.test(before)) {
    return problem('config/tab', 'A tab is used for indentation, which YAML does not allow', {
      hint: 'Indent with spaces.',
      span,
    });
  }
  const unclosed = /^Flow (sequence|map) (in block|must end)|^Missing closing (.)quote/.exec(message);
  if (unclosed !== null) {
    const quote = unclosed[3];
    const mark = quote ?? (unclosed[1] === 'map' ? '}' : ']');
    const open = quote === undefined ? -1 : openingOf(source.text, quote, start);
    return problem('config/yaml', `This is not valid YAML: the closing ${mark} is missing`, {
      hint: unclosed[2] === 'in block' ? 'Indent lines between the brackets more than their key.' : 'Add it.',
      span: open === -1 ? span : { source, start: open, end: endOfLine(source.text, open) },
    });
  }
  const textOfLine = source.text.slice(lineStart, endOfLine(source.text, start));
  if (/^All mapping items must start/.test(message)) {
    const indent = /^ */.exec(textOfLine)?.[0].length ?? 0;
    return problem(
      'config/yaml',
      'This is not valid YAML: the indentation of this line matches no line above it',
      {
        hint: `It starts in column ${indent + 1}; the keys of one map all start in the same column.`,
        span: { source, start: lineStart + indent, end: endOfLine(source.text, lineStart) },
      },
    );
  }
  const glued = /^\s*(?:- )?([\w-]+):(?=[^\s/])/.exec(textOfLine);
  if (glued !== null && /^Implicit keys need|^Implicit map keys need/.test(message)) {
    return problem('config/yaml', 'This is not valid YAML: a space is missing after the colon', {
      hint: `Write ${glued[1]}: ${textOfLine.slice(glued[0].length).trim()}`,
      span: { source, start, end: endOfLine(source.text, start) },
    });
  }
  if (QUOTES_IN_QUOTES.test(textOfLine)) {
    return problem('config/yaml', 'The quotes of an expression end the quoted text around it', {
      hint: 'Remove the outer quotes, or use single quotes outside and double quotes inside.',
      span,
    });
  }
  const words = message.replace(/[.\s]+$/, '');
  const hint = YAML_HINTS[code];
  return problem('config/yaml', `This is not valid YAML: ${words}`, {
    ...(hint === undefined ? {} : { hint }),
    span,
  });
}

const YAML_HINTS: Readonly<Record<string, string | undefined>> = {
  BAD_SCALAR_START: 'Put quotes around the value.',
  BLOCK_AS_IMPLICIT_KEY: 'Put quotes around a value that contains ": ".',
  BLOCK_IN_FLOW: 'Inside { } and [ ], put quotes around a value with a colon.',
  MULTILINE_IMPLICIT_KEY: 'Put quotes around a value that contains ": ".',
};

/** A quoted text with an expression in it that its quote closes before `}}` does. */
const QUOTES_IN_QUOTES = /"[^"\n]*\$\{\{(?:(?!\}\})[^"\n])*"|'[^'\n]*\$\{\{(?:(?!\}\})[^'\n])*'/;

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
