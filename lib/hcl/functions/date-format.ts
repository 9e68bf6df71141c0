/** The format of `formatdate` (https://developer.hashicorp.com/terraform/language/functions/formatdate). */
import { formsOf, timePart } from '../../util/time-parts.ts';
import { civil, type Timestamp } from './timestamp.ts';

type Formatted =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string };

/** A point in time by a format; letters are verbs, and text stands between `'`, of which two are one. */
export function formatTime(format: string, time: Timestamp): Formatted {
  const at = civil(time);
  let text = '';
  for (const token of tokens(format)) {
    const [first = ''] = token;
    if (first === "'") {
      if (token.length === 1 || !token.endsWith("'"))
        return { ok: false, message: "a text in ' is not closed" };
      text += token === "''" ? "'" : token.slice(1, -1).replaceAll("''", "'");
    } else if (/[A-Za-z]/.test(first)) {
      const form = timePart(token);
      if (form === undefined) return { ok: false, message: notAVerb(first, token) };
      text += form(at, time.offset);
    } else text += token;
  }
  return { ok: true, value: text };
}

function notAVerb(letter: string, token: string): string {
  const forms = formsOf(letter);
  const known =
    forms.length === 0
      ? "put text that is not a part of the time between ' signs"
      : `valid forms are ${forms.join(', ')}`;
  return `"${token}" is not a part of a time: ${known}`;
}

/** Texts in quotes, repeated letters, and what is between them. */
function tokens(format: string): readonly string[] {
  return format.match(/''|'(?:''|[^'])*'?|([A-Za-z])\1*|[^'A-Za-z]+/g) ?? [];
}
