/**
 * Dockerfile text → instructions, line by line with the rules of BuildKit's parser (frontend/dockerfile/parser): parser
 * directives, comments, continuation lines, builder flags, JSON forms and heredocs. Nothing is expanded here.
 */
import { type Problem, problem, type SourceFile, type Span } from '../model/mod.ts';
import type { Argument, Heredoc, Instruction } from './instruction.ts';
import { heredocsOfLine } from './words.ts';

const KEYWORDS: readonly string[] = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
];

/** Keywords whose arguments are a JSON array or a list of paths. */
const LISTS = new Set(['ADD', 'COPY', 'VOLUME']);
const MAYBE_JSON = new Set([...LISTS, 'CMD', 'ENTRYPOINT', 'RUN', 'SHELL', 'HEALTHCHECK']);
const MAY_HOLD_HEREDOCS = new Set(['ADD', 'COPY', 'RUN']);
const BLANKS = /[\t\v\f\r ]+/;

/** A joined line with the origin of each of its characters. */
interface Line {
  readonly text: string;
  readonly offsets: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** Splits a text into instructions; used for one text only. */
export class InstructionReader {
  escape: '\\' | '`' = '\\';
  syntax: Argument | undefined;
  check: string | undefined;
  readonly #source: SourceFile;
  readonly #problems: Problem[];
  readonly #lines: readonly { readonly text: string; readonly start: number }[];
  #next = 0;

  constructor(source: SourceFile, problems: Problem[]) {
    this.#source = source;
    this.#problems = problems;
    const lines: { text: string; start: number }[] = [];
    const { text } = source;
    let start = text.startsWith('\uFEFF') ? 1 : 0;
    while (start < text.length) {
      const lineFeed = text.indexOf('\n', start);
      const end = lineFeed === -1 ? text.length : lineFeed + 1;
      lines.push({ text: text.slice(start, end), start });
      start = end;
    }
    this.#lines = lines;
  }

  readAll(): readonly Instruction[] {
    this.#readDirectives();
    const found: Instruction[] = [];
    for (let line = this.#readLine(); line !== undefined; line = this.#readLine()) {
      if (line.text.trim() === '') continue;
      const instruction = this.#instruction(line);
      if (instruction === undefined) continue;
      const heredocs = this.#readHeredocs(instruction);
      found.push(
        heredocs.length === 0
          ? instruction
          : { ...instruction, heredocs, span: { ...instruction.span, end: this.#previousEnd() } },
      );
    }
    return found;
  }

  /** `# name=value` lines at the top, each name once; also with `//` for the syntax of other languages. */
  #readDirectives(): void {
    const seen = new Set<string>();
    for (const [index, line] of this.#lines.entries()) {
      const match = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line.text.trimEnd());
      const name = match?.[1]?.toLowerCase() ?? '';
      if (!['syntax', 'escape', 'check'].includes(name)) {
        if (index === 0 && line.text.startsWith('#!')) continue;
        break;
      }
      const value = match?.[2] ?? '';
      const start = line.start + line.text.indexOf(value, line.text.indexOf('=') + 1);
      const span = { source: this.#source, start, end: start + value.length };
      if (seen.has(name)) {
        this.#problem(`only one ${name} directive can be used`, span, 'Remove one of the two lines.');
      }
      seen.add(name);
      if (name === 'syntax') this.#setSyntax(value, start);
      if (name === 'check') this.check = value;
      if (name !== 'escape') continue;
      if (value === '\\' || value === '`') this.escape = value;
      else this.#problem(`"${value}" cannot be the escape character`, span, 'Use \\ or `.');
    }
    this.#readOtherSyntax();
  }

  /** BuildKit also finds the frontend in `// syntax=` and in JSON with a `syntax` member. */
  #readOtherSyntax(): void {
    if (this.syntax !== undefined) return;
    for (const line of this.#lines) {
      const match = /^\/\/\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line.text.trimEnd());
      if (match === null) break;
      if (match[1]?.toLowerCase() === 'syntax' && match[2] !== undefined) {
        this.#setSyntax(match[2], line.start + line.text.indexOf(match[2]));
        return;
      }
    }
    if (!this.#source.text.trimStart().startsWith('{')) return;
    try {
      const json: unknown = JSON.parse(this.#source.text);
      if (typeof json === 'object' && json !== null && 'syntax' in json && typeof json.syntax === 'string') {
        this.#setSyntax(json.syntax, Math.max(0, this.#source.text.indexOf(json.syntax)));
      }
    } catch {
      // Not valid JSON: the instructions are parsed as a Dockerfile.
    }
  }

  #setSyntax(value: string, start: number): void {
    const [image = value] = value.split(' ');
    this.syntax = { text: image, span: { source: this.#source, start, end: start + image.length } };
  }

  /** The next line that is not a comment, with its continuation lines; empty lines are returned as empty text. */
  #readLine(): Line | undefined {
    const first = this.#lines[this.#next];
    if (first === undefined) return undefined;
    this.#next += 1;
    const continuation = this.escape === '`' ? /(?<before>^|[^`])`[ \t]*$/ : /(?<before>^|[^\\])\\[ \t]*$/;
    let text = '';
    const offsets: number[] = [];
    const add = (part: string, at: number): boolean => {
      const match = continuation.exec(part);
      const kept =
        match === null ? part : part.slice(0, match.index + (match.groups?.['before']?.length ?? 0));
      for (let index = 0; index < kept.length; index += 1) offsets.push(at + index);
      text += kept;
      return match !== null;
    };
    const body = first.text.replace(/[\r\n]+$/, '');
    const left = body.length - body.trimStart().length;
    const isComment = body.trimStart().startsWith('#');
    let goesOn = !isComment && add(body.slice(left), first.start + left);
    let end = first.start + body.length;
    while (goesOn) {
      const line = this.#lines[this.#next];
      if (line === undefined) break;
      this.#next += 1;
      const more = line.text.replace(/[\r\n]+$/, '');
      if (more.trim() === '' || more.trimStart().startsWith('#')) continue;
      goesOn = add(more, line.start);
      end = line.start + more.length;
    }
    return { text, offsets, start: first.start + left, end };
  }

  #instruction(line: Line): Instruction | undefined {
    const leading = line.text.length - line.text.trimStart().length;
    return this.#parse(line, leading, line.text.trimEnd().length);
  }

  /** Parses `line[from, to)`, which has no blanks at its ends. */
  #parse(line: Line, from: number, to: number): Instruction | undefined {
    const text = line.text.slice(from, to);
    const blank = BLANKS.exec(text);
    const word = blank === null ? text : text.slice(0, blank.index);
    const keyword = word.toUpperCase();
    const restStart = blank === null ? to : from + blank.index + blank[0].length;
    if (!KEYWORDS.includes(keyword)) {
      const near = KEYWORDS.find((known) => isNear(known, keyword));
      this.#problems.push(
        problem('dockerfile/unknown-instruction', `unknown instruction ${word}`, {
          span: this.#span(line, from, from + word.length),
          hint: near === undefined ? `Use one of ${KEYWORDS.join(', ')}.` : `Did you mean ${near}?`,
        }),
      );
      return undefined;
    }
    const { flags, end } = this.#flags(line, restStart, to);
    const rest = line.text.slice(end, to).trim();
    const restAt = end + (line.text.slice(end, to).length - line.text.slice(end, to).trimStart().length);
    const span = { source: this.#source, start: line.offsets[from] ?? line.start, end: line.end };
    const json = this.#json(keyword, rest, span);
    const instruction: Instruction = {
      keyword,
      text,
      flags,
      rest,
      args: json?.map((item) => ({ text: item, span })) ?? this.#args(line, restAt, to),
      isJson: json !== undefined,
      heredocs: [],
      span,
    };
    if (keyword !== 'ONBUILD' || rest === '') return instruction;
    const trigger = this.#parse(line, restAt, restAt + rest.length);
    return trigger === undefined ? undefined : { ...instruction, trigger };
  }

  #args(line: Line, from: number, to: number): readonly Argument[] {
    const found: Argument[] = [];
    for (const match of line.text
      .slice(from, to)
      .trimEnd()
      .matchAll(/[^\t\v\f\r ]+/g)) {
      const start = from + match.index;
      found.push({ text: match[0], span: this.#span(line, start, start + match[0].length) });
    }
    return found;
  }

  /** Leading arguments that start with `--`; quotes and escapes are resolved, and a bare `--` ends them. */
  #flags(
    line: Line,
    from: number,
    to: number,
  ): { readonly flags: readonly Argument[]; readonly end: number } {
    const flags: Argument[] = [];
    let at = from;
    for (;;) {
      while (at < to && /\s/.test(line.text[at] ?? '')) at += 1;
      if (!line.text.slice(at, to).startsWith('--')) return { flags, end: at };
      const start = at;
      let word = '';
      let quote = '';
      for (; at < to; at += 1) {
        const character = line.text[at] ?? '';
        if (quote === '' && /\s/.test(character)) break;
        if (quote === '' && (character === "'" || character === '"')) quote = character;
        else if (character === quote) quote = '';
        else if (character === this.escape) {
          at += 1;
          if (at < to) word += line.text[at] ?? '';
        } else word += character;
      }
      if (word === '--') return { flags, end: at };
      flags.push({ text: word, span: this.#span(line, start, Math.min(at, to)) });
    }
  }

  #json(keyword: string, rest: string, span: Span): readonly string[] | undefined {
    if (!MAYBE_JSON.has(keyword) || !rest.startsWith('[')) return undefined;
    let json: unknown;
    try {
      json = JSON.parse(rest);
    } catch {
      return undefined;
    }
    if (!Array.isArray(json)) return undefined;
    if (json.every((item) => typeof item === 'string')) return json;
    this.#problem('a JSON form can contain strings only', span, 'Put every item in double quotes.');
    return undefined;
  }

  #readHeredocs(instruction: Instruction): readonly Heredoc[] {
    const holder = instruction.trigger ?? instruction;
    if (!MAY_HOLD_HEREDOCS.has(holder.keyword) || holder.isJson || !instruction.text.includes('<<'))
      return [];
    return heredocsOfLine(instruction.text).map(({ name, chomp }) => {
      let content = '';
      for (;;) {
        const line = this.#lines[this.#next];
        if (line === undefined) {
          this.#problem(
            `the heredoc ${name} is not closed`,
            instruction.span,
            `Put ${name} on a line of its own after the text.`,
          );
          return { name, chomp, content };
        }
        this.#next += 1;
        const body = line.text.replace(/[\r\n]+$/, '');
        if ((chomp ? body.replace(/^\t+/, '') : body) === name) return { name, chomp, content };
        content += line.text;
      }
    });
  }

  #previousEnd(): number {
    const line = this.#lines[this.#next - 1];
    return line === undefined ? 0 : line.start + line.text.replace(/[\r\n]+$/, '').length;
  }

  #span(line: Line, from: number, to: number): Span {
    const start = line.offsets[from] ?? line.start;
    const last = line.offsets[to - 1];
    return { source: this.#source, start, end: last === undefined ? line.end : last + 1 };
  }

  #problem(message: string, span: Span, hint: string): void {
    this.#problems.push(problem('dockerfile/syntax', message, { span, hint }));
  }
}

/** One letter wrong, missing or added, or two swapped. */
function isNear(known: string, written: string): boolean {
  if (Math.abs(known.length - written.length) > 1) return false;
  let start = 0;
  while (start < known.length && known[start] === written[start]) start += 1;
  let tail = 0;
  while (
    tail < Math.min(known.length, written.length) - start &&
    known.at(-1 - tail) === written.at(-1 - tail)
  ) {
    tail += 1;
  }
  return Math.max(known.length, written.length) - start - tail <= 2;
}
