/** What bake's `output` means here: an image that is pushed or kept, with what its exporter is told; or files that are written. */
import type { Json } from '../model/mod.ts';
import { convertOutputs } from '../targets/mod.ts';
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
  const { push, outputs } = readOutputs(value, reader, []);
  return [...(push === false ? [] : ['push']), ...(outputs.length === 0 ? [] : ['outputs'])];
}

/** Sets `push`, `outputs` and what an exporter is told beside it. */
export function convertOutput(value: unknown, converter: Converter): void {
  const { set, inherits, build } = converter;
  const { push, outputs, more } = readOutputs(value, converter, tagsOf(converter));
  if (push !== false || inherits('push')) set('push', push);
  if (outputs.length > 0 || inherits('outputs')) set('outputs', outputs);
  for (const [key, one] of Object.entries(more)) {
    const known = build.keys.get(key);
    set(key, isRecord(known) && isRecord(one) ? ({ ...known, ...one } as Json) : one);
  }
}

function readOutputs(value: unknown, converter: OutputReader, tags: readonly string[]): Found {
  const choice = converter.choiceOf?.(value);
  if (choice !== undefined) {
    const [yes, no] = [readOutputs(choice.yes, converter, tags), readOutputs(choice.no, converter, tags)];
    return {
      push: yes.push === no.push ? yes.push : choice.join(yes.push, no.push),
      outputs: joinLists(yes.outputs, no.outputs, choice.join),
      more: joinMaps(yes.more, no.more, choice.join),
    };
  }
  if (value === null) return { push: false, outputs: [], more: {} };
  return readList(asList(value), converter, tags);
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

function readList(items: readonly unknown[], converter: OutputReader, tags: readonly string[]): Found {
  const { textOf, isComputed, note, choiceOf } = converter;
  let push: Json = false;
  const outputs: Json[] = [];
  const more: Record<string, Json> = {};
  const add = (found: Found): void => {
    if (push === false) push = found.push;
    outputs.push(...found.outputs);
    Object.assign(more, found.more);
  };
  for (const item of items) {
    if (item === null) continue;
    if (choiceOf?.(item) !== undefined) add(readOutputs(item, converter, tags));
    else if (typeof item === 'string' && isComputed(item)) outputs.push(textOf(item));
    else {
      const fields = typedFields(item, loneOutput);
      if (fields === undefined) continue;
      const found = convertOutputs([Object.fromEntries(fields) as { type: string }], tags);
      const pushText = Object.fromEntries(fields)['push'];
      const isAsked = pushText !== undefined && isMarked(pushText, converter) && found.outputs.length === 0;
      if (found.loads) {
        note(
          "`type=docker` loads into a Docker daemon; here the image stays in the engine's store (`bake-ts images`)",
        );
      }
      // What an attribute of it is called is open, too.
      const isOpenName = fields.some(([name]) => isMarked(name, converter));
      if (isOpenName && typeof item === 'string') {
        outputs.push(textOf(item));
        continue;
      }
      add({
        push: isAsked ? textOf(pushText) : found.push,
        outputs: found.outputs.map((output) => writeOutput(output, textOf)),
        more: moreOf(found, textOf),
      });
    }
  }
  return { push, outputs, more };
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

/** An image's names in `output` count only where the target has no tags. */
function tagsOf({ build }: Converter): readonly string[] {
  return build.keys.has('tags') ? ['tags'] : [];
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
