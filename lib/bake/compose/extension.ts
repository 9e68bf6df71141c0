/** `x-bake` below `build`: keys of bake that Compose does not have (buildx bake/compose.go). */
import type { Span } from '../../model/mod.ts';
import type { DraftValues } from '../draft.ts';
import {
  type CacheEntry,
  cacheKey,
  lastOfEach,
  outputKey,
  type Parsed,
  parseCache,
  parseOutput,
  parseSecret,
  parseSsh,
} from '../entries.ts';
import { dropRepeated, itemsOf, sliceOf } from '../slice.ts';
import type { TargetKey } from '../target.ts';
import { namedContexts, sortSsh } from './names.ts';
import { isNull, kindOf, type MapNode, type Node, type ScalarNode, valueAt } from './node.ts';
import type { Report } from './report.ts';

/** The target that an extension adds to. */
interface Extended {
  readonly values: DraftValues;
  readonly places: Map<TargetKey, Span>;
  readonly report: Report;
}

/** Adds what an extension says. Keys that bake does not know mean nothing to it. */
export function extendTarget(target: Extended, extension: Node): void {
  if (isNull(extension)) return;
  if (extension.kind !== 'map') {
    target.report.add(extension.span, `x-bake must be a map, not ${kindOf(extension)}`);
    return;
  }
  const before = target.report.problems.length;
  addTexts(target, extension);
  addEntries(target, extension);
  addFlags(target, extension);
  addContexts(target, extension);
  if (target.report.problems.length > before) return;
  for (const [key, { keySpan }] of extension.entries) target.places.set(key as TargetKey, keySpan);
}

interface Word {
  readonly text: string;
  readonly span: Span;
}

/** A list of texts, or one text with several words. */
function wordsAt(extension: MapNode, key: string, report: Report): readonly Word[] {
  const node = valueAt(extension, key);
  if (node === undefined || isNull(node)) return [];
  if (node.kind === 'scalar') {
    return writtenText(node)
      .split(/\s+/)
      .filter((text) => text !== '')
      .map((text) => ({ text, span: node.span }));
  }
  if (node.kind === 'map') {
    report.add(node.span, `x-bake.${key} must be a list of strings, not a map`);
    return [];
  }
  return node.items.flatMap((item): readonly Word[] => {
    if (isNull(item)) return [];
    if (item.kind === 'scalar') return [{ text: writtenText(item), span: item.span }];
    report.add(item.span, `x-bake.${key} must be a list of strings, not ${kindOf(item)}`);
    return [];
  });
}

/** A scalar as YAML writes it. */
function writtenText(node: ScalarNode): string {
  return node.rfc3339 ?? node.text;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

/** A list that Go made longer entry by entry. */
function grown<T>(items: readonly T[]): ReturnType<typeof sliceOf<T>> {
  return sliceOf(items, 2 ** Math.ceil(Math.log2(Math.max(1, items.length))));
}

function addTexts({ values, report }: Extended, extension: MapNode): void {
  for (const key of ['tags', 'platforms'] as const) {
    const words = wordsAt(extension, key, report);
    if (words.length === 0) continue;
    values[key] = grown(distinct([...itemsOf(values[key]), ...words.map(({ text }) => text)]));
  }
  const stages = wordsAt(extension, 'no-cache-filter', report);
  if (stages.length > 0) values['no-cache-filter'] = distinct(stages.map(({ text }) => text));
}

/** What the words say; those that are empty say nothing. */
function readEach<T>(
  words: readonly Word[],
  parse: (text: string) => Parsed<T>,
  report: Report,
): readonly T[] {
  return words.flatMap(({ text, span }): readonly T[] => {
    if (text === '') return [];
    const parsed = parse(text);
    if (parsed.ok) return [parsed.value];
    report.add(span, parsed.error);
    return [];
  });
}

function addEntries({ values, report }: Extended, extension: MapNode): void {
  for (const key of ['cache-from', 'cache-to'] as const) {
    const words = wordsAt(extension, key, report);
    if (words.length === 0) continue;
    const more: readonly CacheEntry[] = readEach(words, parseCache, report).flat();
    const all = dropRepeated(sliceOf([...itemsOf(values[key]), ...more]), cacheKey);
    if (all !== undefined) values[key] = all;
  }
  const secrets = readEach(wordsAt(extension, 'secret', report), parseSecret, report);
  if (secrets.length > 0) values.secret = lastOfEach([...(values.secret ?? []), ...secrets], ({ id }) => id);
  const ssh = wordsAt(extension, 'ssh', report)
    .filter(({ text }) => text !== '')
    .map(({ text }) => parseSsh(text));
  if (ssh.length > 0) values.ssh = sortSsh(lastOfEach([...(values.ssh ?? []), ...ssh], ({ id }) => id));
  const outputs = readEach(wordsAt(extension, 'output', report), parseOutput, report);
  const all = outputs.length === 0 ? undefined : dropRepeated(sliceOf(outputs), outputKey);
  if (all !== undefined) values.output = all;
}

function addFlags({ values, report }: Extended, extension: MapNode): void {
  for (const key of ['pull', 'no-cache'] as const) {
    const node = valueAt(extension, key);
    if (node === undefined || isNull(node)) continue;
    const word = node.kind === 'scalar' ? node.text : '';
    const isBool = node.kind === 'scalar' && node.type === 'bool';
    if (isBool ? word === 'true' : /^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(word)) values[key] = true;
    else if (isBool || /^(?:n|N|no|No|NO|off|Off|OFF)$/.test(word)) values[key] = false;
    else
      report.add(
        node.span,
        `x-bake.${key} must be true or false`,
        'Use true or false; a variable may also hold yes or no.',
      );
  }
}

function addContexts({ values, report }: Extended, extension: MapNode): void {
  const node = valueAt(extension, 'contexts');
  if (node === undefined || isNull(node)) return;
  if (node.kind !== 'map') {
    report.add(node.span, `x-bake.contexts must be a map, not ${kindOf(node)}`);
    return;
  }
  for (const { value } of node.entries.values()) {
    if (value.kind !== 'scalar')
      report.add(value.span, `A path or an address is expected here, not ${kindOf(value)}`);
  }
  if (node.entries.size > 0) values.contexts = new Map([...namedContexts(node), ...(values.contexts ?? [])]);
}
