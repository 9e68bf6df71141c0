/**
 * Values of a bake file during conversion: literals are kept, and expressions are represented by marks inside texts. So a
 * text such as `type=registry,ref=${REF}` can be split like any other; at the end every mark becomes `${{ … }}`.
 */
import type { Json } from '../model/mod.ts';
import {
  asText,
  BINDING,
  choose,
  joinPieces,
  literalOf,
  loose,
  type Piece,
  print,
  tight,
  Untranslatable,
  type Written,
} from './cel-text.ts';
import { isRecord, literal } from './draft.ts';
import { unified } from './hcl-cel.ts';
import { elementOf, listOf, union } from './static-type.ts';
import type { TargetReader } from './target-reader.ts';

/** Intermediate form: literal values, and texts with marks. */
export type Marked =
  | string
  | number
  | boolean
  | null
  | readonly Marked[]
  | { readonly [key: string]: Marked };

/** `test ? yes : no` with values as alternatives. */
export interface MarkedChoice {
  readonly test: Written;
  readonly yes: Marked;
  readonly no: Marked;
}

/** Unicode reserves these two characters for internal use (https://www.unicode.org/faq/private_use.html#nonchar1). */
const OPEN = '\uFDD0';
const CLOSE = '\uFDD1';
const MARK = new RegExp(`${OPEN}([0-9]+)${CLOSE}`, 'g');
const LONE = new RegExp(`^${OPEN}([0-9]+)${CLOSE}$`);

/** The expressions that marks represent. */
export class Marks {
  readonly #written: Written[] = [];
  readonly #choices = new Map<number, MarkedChoice>();

  /** A text that stands for what was written. */
  mark(written: Written): string {
    this.#written.push(written);
    return `${OPEN}${this.#written.length - 1}${CLOSE}`;
  }

  /** A value: literal as far as it is. */
  valueOf(written: Written): Marked {
    const { constant, pieces } = written;
    if (constant !== undefined && typeof constant !== 'string') return constant;
    if (pieces === undefined) return this.mark(written);
    return pieces
      .map((piece) => (typeof piece === 'string' ? this.#plain(piece) : this.mark(piece)))
      .join('');
  }

  /** A text that stands for one value or another; the value itself where the test is known. */
  choice(choice: MarkedChoice): Marked {
    const { test, yes, no } = choice;
    if (test.constant === true) return yes;
    if (test.constant === false) return no;
    if (JSON.stringify(yes) === JSON.stringify(no)) return yes;
    const [a, b] = unified(this.writtenOf(yes), this.writtenOf(no));
    const text = this.mark(choose(test, a, b, union(a.type, b.type)));
    // A set is no longer equal to either of the two values.
    if (a.type.isSet !== true && b.type.isSet !== true) this.#choices.set(this.#written.length - 1, choice);
    return text;
  }

  /** The choice that a value stands for, if it stands for one and nothing else. */
  choiceOf(value: unknown): MarkedChoice | undefined {
    const at = typeof value === 'string' ? LONE.exec(value)?.[1] : undefined;
    return at === undefined ? undefined : this.#choices.get(Number(at));
  }

  /** The expression that a value stands for, if it stands for one and nothing else. */
  loneOf(value: unknown): Written | undefined {
    const at = typeof value === 'string' ? LONE.exec(value)?.[1] : undefined;
    return at === undefined ? undefined : this.#written[Number(at)];
  }

  /** Whether two values are written alike. */
  isSame(a: Marked, b: Marked): boolean {
    return this.writtenOf(a).text === this.writtenOf(b).text;
  }

  /** What of a text is literal. */
  literalsOf(text: string): string {
    return text.replaceAll(MARK, '');
  }

  /** Whether anything in a text is to be evaluated. */
  isMarked(text: string): boolean {
    return text.includes(OPEN);
  }

  /** `name=value` texts, some of which a loop makes, as one map; undefined: no loop makes any. */
  mapOfTexts(value: Marked): Marked | undefined {
    const items = Array.isArray(value) ? (value as readonly Marked[]) : [value];
    if (!items.some((item) => this.loneOf(item)?.loop !== undefined)) return undefined;
    const maps = items.map((item): Written | undefined => {
      const loop = this.loneOf(item)?.loop;
      if (loop === undefined) {
        const entry = typeof item === 'string' ? entryOf(this.#piecesOf(item)) : undefined;
        return entry === undefined ? undefined : tight(`{${print(entry[0])}: ${print(entry[1])}}`);
      }
      const entry = entryOf(loop.value.pieces ?? []);
      if (entry === undefined) return undefined;
      const body = `{${print(entry[0])}: ${print(entry[1])}}`;
      return tight(`${print(loop.over, BINDING.member)}.map(${loop.local}, ${body}).merge()`, {
        kind: 'map',
      });
    });
    if (maps.some((map) => map === undefined)) return undefined;
    const [first] = maps;
    if (maps.length === 1 && first !== undefined) return this.mark(first);
    return this.mark(tight(`[${maps.map((map) => map?.text ?? '').join(', ')}].merge()`, { kind: 'map' }));
  }

  /** A value as one expression. */
  writtenOf(value: Marked): Written {
    if (typeof value === 'string') return this.loneOf(value) ?? joinPieces(this.#piecesOf(value));
    if (value === null || typeof value !== 'object') return literalOf(value);
    if (Array.isArray(value)) return this.#listOf(value as readonly Marked[]);
    const entries = Object.entries(value).map(
      ([key, inner]) => [asText(this.writtenOf(key)), this.writtenOf(inner)] as const,
    );
    const text = `{${entries.map(([key, inner]) => `${print(key)}: ${print(inner)}`).join(', ')}}`;
    const isKnown = entries.every(([{ constant }]) => typeof constant === 'string');
    return tight(
      text,
      isKnown
        ? { kind: 'map', fields: new Map(entries.map(([key, { type }]) => [String(key.constant), type])) }
        : { kind: 'map' },
    );
  }

  /** In a list of the language, an item that is a list stands for its items. */
  #listOf(items: readonly Marked[]): Written {
    const lists: Written[] = [];
    let open: Written[] = [];
    const close = (): void => {
      if (open.length > 0) lists.push(listLiteral(open));
      open = [];
    };
    for (const item of items) {
      const written = this.writtenOf(item);
      if (typeof item === 'string' && written.type.kind === 'list') {
        close();
        lists.push(written);
      } else open.push(written);
    }
    close();
    const [first] = lists;
    if (first === undefined) return tight('[]', { kind: 'list' });
    if (lists.length === 1) return first;
    const type = lists.map((list) => list.type).reduce(union);
    return loose(lists.map((list) => print(list, BINDING.add)).join(' + '), BINDING.add, type);
  }

  #piecesOf(text: string): readonly Piece[] {
    const pieces: Piece[] = [];
    let from = 0;
    for (const found of text.matchAll(MARK)) {
      if (found.index > from) pieces.push(text.slice(from, found.index));
      pieces.push(this.#written[Number(found[1])] as Written);
      from = found.index + found[0].length;
    }
    if (from < text.length) pieces.push(text.slice(from));
    return pieces;
  }

  /** A mark's own signs in a text become an expression that gives them. */
  #plain(text: string): string {
    return /[\uFDD0\uFDD1]/.test(text)
      ? text.replaceAll(/[\uFDD0\uFDD1]+/g, (signs) => this.mark({ ...literalOf(signs), pieces: [] }))
      : text;
  }

  /** The value as a builds file has it. */
  expand(value: Marked): Json {
    if (typeof value === 'string') return this.#expandText(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return (value as readonly Marked[]).map((item) => this.expand(item));
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.#expandText(key), this.expand(inner)]),
    );
  }

  #expandText(text: string): string {
    const pieces = this.#piecesOf(text);
    return pieces
      .map((piece) => (typeof piece === 'string' ? literal(piece) : `\${{ ${piece.text} }}`))
      .join('');
  }
}

/** A text at its first literal `=`. */
function entryOf(pieces: readonly Piece[]): readonly [Written, Written] | undefined {
  for (const [at, piece] of pieces.entries()) {
    const equals = typeof piece === 'string' ? piece.indexOf('=') : -1;
    if (typeof piece !== 'string' || equals === -1) continue;
    return [
      joinPieces([...pieces.slice(0, at), piece.slice(0, equals)]),
      joinPieces([piece.slice(equals + 1), ...pieces.slice(at + 1)]),
    ];
  }
  return undefined;
}

/** How a target is read whose texts have marks. */
export function readerOf(
  marks: Marks,
  note: (sentence: string) => void,
): Pick<TargetReader, 'textOf' | 'isComputed' | 'note'> &
  Required<Pick<TargetReader, 'isOpen' | 'choiceOf' | 'annotationsOf'>> {
  return {
    textOf: (text) => text,
    isComputed: (text) => marks.loneOf(text) !== undefined,
    isOpen: (text) => marks.isMarked(text),
    annotationsOf: (value) => marks.mapOfTexts(value as Marked) as Json | undefined,
    choiceOf: (value) => {
      const choice = marks.choiceOf(value);
      if (choice === undefined) return undefined;
      const { test, yes, no } = choice;
      return { yes, no, join: (a, b) => marks.choice({ test, yes: a as Marked, no: b as Marked }) as Json };
    },
    note,
  };
}

function listLiteral(items: readonly Written[]): Written {
  const type = items.map((item) => item.type).reduce(union);
  return tight(`[${items.map((item) => print(item)).join(', ')}]`, listOf(type));
}

/** A list whose items are no lists, however deep they were. @throws Untranslatable where that is not known */
export function flattened(value: Marked, marks: Marks): Marked {
  if (!Array.isArray(value)) return value;
  return (value as readonly Marked[]).flatMap((item): readonly Marked[] => {
    if (Array.isArray(item)) return flattened(item as readonly Marked[], marks) as readonly Marked[];
    const lone = marks.loneOf(item);
    const of = lone?.type.kind === 'list' ? elementOf(lone.type).kind : undefined;
    if (of === 'list' || of === 'any') throw new Untranslatable('nested lists are mixed with other values');
    return [item];
  });
}

/** Whether a value is a map. */
export function isMarkedMap(value: Marked): value is { readonly [key: string]: Marked } {
  return isRecord(value);
}
