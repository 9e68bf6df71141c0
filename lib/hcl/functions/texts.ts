/** Functions of texts. */
import { NUMBER, STRING } from '../types.ts';
import type { FunctionResult, Value } from '../value.ts';
import { listOf, numberValue, textValue } from '../values.ts';
import { clusters, lowerCase, titleCase, trimCharacters, trimSpace, upperCase } from './characters.ts';
import {
  type Definition,
  type Definitions,
  done,
  failed,
  MOST_TEXT,
  NOT_WHOLE,
  textOf,
  tooLong,
  wholeOf,
} from './define.ts';

const STR = { name: 'str', type: STRING };

export const TEXT_FUNCTIONS: Definitions = {
  upper: ofText(upperCase),
  lower: ofText(lowerCase),
  title: ofText(titleCase),
  trimspace: ofText(trimSpace),
  reverse: ofText((text) => clusters(text).toReversed().join('')),
  chomp: ofText((text) => {
    let end = text.length;
    while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--;
    return text.slice(0, end);
  }),
  strlen: {
    parameters: [STR],
    run: ([text]) => done(numberValue(clusters(textOf(text)).length)),
  },
  trim: ofTexts(['cutset'], (text, set) => trimCharacters(text, set)),
  trimprefix: ofTexts(['prefix'], (text, prefix) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  trimsuffix: ofTexts(['suffix'], (text, suffix) =>
    text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  ),
  replace: {
    parameters: [STR, { name: 'substr', type: STRING }, { name: 'replace', type: STRING }],
    run: ([text, part, by]) => replaceAll(textOf(text), textOf(part), textOf(by)),
  },
  split: {
    parameters: [{ name: 'separator', type: STRING }, STR],
    run: ([separator, text]) => {
      const parts = textOf(separator) === '' ? [...textOf(text)] : textOf(text).split(textOf(separator));
      return done(listOf(STRING, parts.map(textValue)));
    },
  },
  indent: {
    parameters: [{ name: 'spaces', type: NUMBER }, STR],
    run: ([spaces, text]) => {
      const count = wholeOf(spaces);
      if (count === undefined) return failed(NOT_WHOLE, 0);
      if (count < 0) return failed('it must not be negative', 0);
      if (count > MOST_TEXT) return tooLong();
      return replaceAll(textOf(text), '\n', `\n${' '.repeat(count)}`);
    },
  },
  substr: {
    parameters: [STR, { name: 'offset', type: NUMBER }, { name: 'length', type: NUMBER }],
    run: substr,
  },
  sanitize: {
    parameters: [{ name: 'name', type: STRING }],
    run: ([name]) => done(textValue(textOf(name).replace(/[^a-zA-Z0-9_-]/gu, '_'))),
  },
};

function ofText(run: (text: string) => string): Definition {
  return { parameters: [STR], run: ([text]) => done(textValue(run(textOf(text)))) };
}

function ofTexts(names: readonly [string], run: (text: string, other: string) => string): Definition {
  return {
    parameters: [STR, ...names.map((name) => ({ name, type: STRING }))],
    run: ([text, other]) => done(textValue(run(textOf(text), textOf(other)))),
  };
}

function replaceAll(text: string, part: string, by: string): FunctionResult {
  const parts = part === '' ? ['', ...text, ''] : text.split(part);
  if (text.length + parts.length * by.length > MOST_TEXT) return tooLong();
  return done(textValue(part === '' && text === '' ? by : parts.join(by)));
}

/** From an offset, which counts from the end if it is negative; a negative length is all that follows. */
function substr([text, offset, length]: readonly Value[]): FunctionResult {
  const from = wholeOf(offset);
  const count = wholeOf(length);
  if (from === undefined) return failed(NOT_WHOLE, 1);
  if (count === undefined) return failed(NOT_WHOLE, 2);
  const all = clusters(textOf(text));
  const start = from < 0 ? Math.max(0, all.length + from) : from;
  // go-cty takes 0 with a negative offset as all that follows.
  const open = count < 0 || (count === 0 && from < 0);
  return done(textValue(all.slice(start, open ? undefined : start + count).join('')));
}
