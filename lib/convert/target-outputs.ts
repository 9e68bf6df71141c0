/** Converts bake's `output`: an image that is pushed or kept, with the attributes of its exporter; or files that are written. */
import type { Json } from '../model/mod.ts';
import { convertOutputs, type OutputSurroundings } from '../targets/mod.ts';
import { loneOutput, typedFields, writeFields } from './attributes.ts';
import { asList, isRecord } from './draft.ts';
import type { Converter } from './target-reader.ts';

/** What outputs come to in our keys; `null`: nothing is said of it. */
interface Found {
  readonly push: Json;
  readonly outputs: readonly Json[];
  readonly more: Readonly<Record<string, Json>>;
}

/** How outputs are read. */
type OutputReader = Pick<Converter, 'textOf' | 'isComputed' | 'isOpen' | 'choiceOf' | 'note'>;

/** Whether an output of a target sets `push`, and whether `outputs`. */
export function outputKeys(value: unknown, reader: OutputReader): readonly string[] {
  const { push, outputs } = readOutputs(value, reader, { hasTags: false, annotations: [] });
  return [...(push === false ? [] : ['push']), ...(outputs.length === 0 ? [] : ['outputs'])];
}

/** Sets `push`, `outputs`, and the keys for other attributes of the exporter. */
export function convertOutput(value: unknown, converter: Converter): void {
  const { set, inherits, build } = converter;
  const { push, outputs, more } = readOutputs(value, converter, surroundingsOf(converter));
  if (push !== false || inherits('push')) set('push', push);
  if (outputs.length > 0 || inherits('outputs')) set('outputs', outputs);
  for (const [key, one] of Object.entries(more)) {
    const known = build.keys.get(key);
    set(key, isRecord(known) && isRecord(one) ? ({ ...known, ...one } as Json) : one);
  }
}

/** What the target says of its images elsewhere. */
function surroundingsOf({ build }: Converter): OutputSurroundings {
  const annotations = build.keys.get('annotations');
  return {
    hasTags: build.keys.has('tags'),
    annotations: isRecord(annotations) ? Object.keys(annotations) : [],
  };
}

function readOutputs(value: unknown, reader: OutputReader, around: OutputSurroundings): Found {
  const choice = reader.choiceOf?.(value);
  if (choice !== undefined) {
    const [yes, no] = [readOutputs(choice.yes, reader, around), readOutputs(choice.no, reader, around)];
    return {
      push: yes.push === no.push ? yes.push : choice.join(yes.push, no.push),
      outputs: joinLists(yes.outputs, no.outputs, choice.join),
      more: joinMaps(yes.more, no.more, choice.join),
    };
  }
  return readList(
    asList(value).filter((item) => item !== null),
    reader,
    around,
  );
}

function joinLists(
  yes: readonly Json[],
  no: readonly Json[],
  join: (yes: Json, no: Json) => Json,
): readonly Json[] {
  if (JSON.stringify(yes) === JSON.stringify(no)) return yes;
  if (yes.length > 1 || no.length > 1) return [join([...yes], [...no])];
  return [join(yes[0] ?? null, no[0] ?? null)];
}

function joinMaps(
  yes: Found['more'],
  no: Found['more'],
  join: (yes: Json, no: Json) => Json,
): Readonly<Record<string, Json>> {
  const keys = new Set([...Object.keys(yes), ...Object.keys(no)]);
  return Object.fromEntries([...keys].map((key) => [key, join(yes[key] ?? null, no[key] ?? null)]));
}

function readList(items: readonly unknown[], reader: OutputReader, around: OutputSurroundings): Found {
  const isKnown = items.every((item) => !isOpenItem(item, reader));
  if (isKnown) return readKnown(items, reader, around);
  // What the others come to is open, so that no image may rely on being the only one.
  const inside = items.length === 1 ? around : { ...around, isOneOfMore: true };
  let push: Json = false;
  const outputs: Json[] = [];
  let more: Found['more'] = {};
  for (const item of items) {
    // Of two pushes one of which is open, the other one is said by itself.
    const each: OutputSurroundings = typeof push === 'boolean' ? inside : { ...inside, isEachByItself: true };
    const isChoice = reader.choiceOf?.(item) !== undefined;
    const found: Found = isChoice
      ? readOutputs(item, reader, each)
      : isOpenItem(item, reader)
        ? { push: false, outputs: [reader.textOf(item as string)], more: {} }
        : readKnown([item], reader, each);
    if (push === false) push = found.push;
    outputs.push(...found.outputs);
    more = { ...more, ...found.more };
  }
  return { push, outputs, more };
}

/** Items that are evaluated later, or whose attributes have names that are. */
function isOpenItem(item: unknown, reader: OutputReader): boolean {
  if (reader.choiceOf?.(item) !== undefined) return true;
  if (typeof item !== 'string') return false;
  if (reader.isComputed(item)) return true;
  return (typedFields(item, loneOutput) ?? []).some(([name]) => isMarked(name, reader));
}

/** Outputs of which no more than values of attributes are open. */
function readKnown(items: readonly unknown[], reader: OutputReader, around: OutputSurroundings): Found {
  const { textOf, note } = reader;
  const written = items.flatMap((item) => {
    const fields = typedFields(item, loneOutput);
    return fields === undefined ? [] : [Object.fromEntries(fields) as { type: string }];
  });
  const isOpen = (text: string): boolean => isMarked(text, reader);
  const found = convertOutputs(written, { ...around, isOpen });
  if (found.loads) {
    note(
      "`type=docker` loads into a Docker daemon; here the image stays in the engine's store (`bake-ts images`)",
    );
  }
  const { push } = found;
  return {
    push: push === 'true' || push === 'false' ? push === 'true' : textOf(push),
    outputs: found.outputs.map((output) => writeOutput(output, textOf)),
    more: moreOf(found, textOf),
  };
}

/** A directory by its path alone. */
function writeOutput(output: Readonly<Record<string, string>>, textOf: Converter['textOf']): Json {
  const { type, dest, ...rest } = output;
  const isBare = type === 'local' && dest !== undefined && Object.keys(rest).length === 0;
  return isBare && /^[^",=\s]+$/.test(dest) && dest !== '-'
    ? textOf(dest)
    : writeFields(Object.entries(output), textOf);
}

function isMarked(text: string, { isComputed, isOpen }: OutputReader): boolean {
  return isOpen?.(text) ?? isComputed(text);
}

function moreOf(
  { tags, compression, annotations }: ReturnType<typeof convertOutputs>,
  textOf: Converter['textOf'],
): Readonly<Record<string, Json>> {
  const texts = Object.entries(annotations).map(([name, text]) => [name, textOf(text)] as const);
  return {
    ...(tags === undefined ? {} : { tags: tags.map(textOf) }),
    ...(compression === undefined ? {} : { compression: shortCompression(compression) }),
    ...(texts.length === 0 ? {} : { annotations: Object.fromEntries(texts) }),
  };
}

function shortCompression(compression: Readonly<Record<string, Json>>): Json {
  const { type, ...rest } = compression;
  return Object.keys(rest).length === 0 && type !== undefined ? type : compression;
}
