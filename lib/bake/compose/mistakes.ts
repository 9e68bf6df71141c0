/** Mistakes in the YAML of Compose files, in the words of people where people make them. */
import type { YAMLError } from 'yaml';
import type { SourceFile, Span } from '../../model/mod.ts';
import { openingOf } from '../../util/open-quote.ts';
import type { Report } from './report.ts';

/** Where a mistake is, and the line that it is found on. */
interface Found {
  readonly source: SourceFile;
  readonly span: Span;
  readonly message: string;
  readonly line: string;
  readonly lineStart: number;
}

/** What is wrong, what helps, and where, if not where the package found it. */
interface Told {
  readonly message: string;
  readonly hint: string;
  readonly span?: Span;
}

/** Reports the first mistake that the YAML package found in a file. */
export function reportMistake(source: SourceFile, mistake: YAMLError, report: Report): void {
  const { text } = source;
  const start = Math.min(mistake.pos[0], text.length);
  const span = { source, start, end: Math.max(start + 1, Math.min(mistake.pos[1], text.length)) };
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const line = text.slice(lineStart, endOfLine(text, start));
  const message = mistake.message.split('\n')[0] ?? '';
  const found: Found = { source, span, message, line, lineStart };
  const known = conflict(found) ?? tab(found, mistake.code) ?? unclosed(found) ?? indentation(found);
  const isNested = mistake.code === 'BLOCK_AS_IMPLICIT_KEY';
  if (known !== undefined) report.add(known.span ?? span, known.message, known.hint);
  else if (isNested) report.add(span, 'A key starts inside the value of another key', NESTED);
  else report.add(span, `This is not valid YAML: ${message}`, HINTS[mistake.code]);
}

const NESTED =
  'Put quotes around a value that contains ": ". A key that has a value cannot have keys below it.';

const HINTS: Readonly<Record<string, string | undefined>> = {
  BAD_ALIAS: 'A * refers to an anchor above. Put quotes around it if it is part of a string.',
  BAD_SCALAR_START: 'Put quotes around the value.',
  MULTILINE_IMPLICIT_KEY: 'Start each line with a key, a colon and a space.',
};

function conflict({ source }: Found): Told | undefined {
  const mark = /^(?:<{7}|>{7})(?: .*)?$/m.exec(source.text);
  if (mark === null) return undefined;
  const span = { source, start: mark.index, end: mark.index + mark[0].length };
  return {
    message: 'The file contains a merge conflict',
    hint: 'Keep one side, and remove the markers.',
    span,
  };
}

function tab({ line, lineStart, span }: Found, code: string): Told | undefined {
  if (code !== 'TAB_AS_INDENT' && !/^ *\t/.test(line.slice(0, span.start - lineStart + 1))) return undefined;
  return { message: 'A tab is used for indentation, which YAML does not allow', hint: 'Indent with spaces.' };
}

function unclosed({ source, span, message }: Found): Told | undefined {
  const quote = /^Missing closing (.)quote/.exec(message)?.[1];
  if (quote !== undefined) {
    const open = openingOf(source.text, quote, span.start);
    const place = open === -1 ? span : { source, start: open, end: endOfLine(source.text, open) };
    return { message: 'The quote is never closed', hint: 'Add the closing quote.', span: place };
  }
  const isOpen = /^Flow (?:sequence|map) (?:in block|must end)|^Implicit keys of flow sequence/.test(message);
  if (!isOpen) return undefined;
  return {
    message: 'Unexpected text inside an open bracket',
    hint: 'Look above for an unclosed bracket or a missing comma.',
  };
}

function indentation({ source, line, lineStart, message }: Found): Told | undefined {
  if (!message.startsWith('All mapping items must start')) return undefined;
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  return {
    message: 'The indentation of this line matches no line above it',
    hint: `It starts in column ${indent + 1}; the keys of one map all start in the same column.`,
    span: { source, start: lineStart + indent, end: lineStart + line.length },
  };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
