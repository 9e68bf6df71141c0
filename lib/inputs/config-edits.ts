/**
 * Edits of a Dockerfile that only change the config of its image: LABEL and CMD of the target stage. No step sees them,
 * so the new image can be computed from the old one. Pure.
 *
 * Only plain forms of what the engine writes for an instruction are supported (buildkit
 * frontend/dockerfile/dockerfile2llb/convert.go, `dispatchLabel`, `dispatchCmd`, `commitToHistory`). The image must
 * contain the old form exactly as it would be written here; everything else is left to the engine.
 */

import { type ImageConfig, isObject, isSameJson, readImageConfig, writeImageConfig } from './image-json.ts';
import type { GivenLabels } from './rebase.ts';

/** An instruction, before and after the edit. */
export interface ConfigEdit {
  readonly before: Written;
  readonly after: Written;
}

/** What an instruction writes into a config. */
export interface Written {
  /** Its entry in the history. */
  readonly entry: string;
  readonly labels?: ReadonlyMap<string, string>;
  readonly command?: readonly string[];
}

const TARGET_HEADER = /^# stage \d+ \(target\)$/;
const HEADER = /^# stage \d+/;
/** Printable ASCII characters without a meaning for the Dockerfile's parser, Go's `%q` or terminals. */
const LABEL = /^LABEL((?:[ \t]+[A-Za-z0-9._/-]+=(?:"[ !#%-[\]^_a-~]*"|[!#%&(-;=-[\]^_a-~]+))+)[ \t]*$/;
const PAIR = /([A-Za-z0-9._/-]+)=(?:"([^"]*)"|([^\s"]+))/g;
const COMMAND = /^CMD[ \t]+(\[.*\])[ \t]*$/;
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * The differences between two Dockerfiles in the form of keys (`DockerfileFacts.text`), if all of them are such edits;
 * undefined: there are others, or it is not known.
 */
export function findConfigEdits(before: string, after: string): readonly ConfigEdit[] | undefined {
  const [was, is] = [before.split('\n'), after.split('\n')];
  // What looks like an instruction or the head of a stage may be text of a heredoc.
  if (was.length !== is.length || [before, after].some((text) => text.includes('<<'))) return undefined;
  const start = was.findIndex((line) => TARGET_HEADER.test(line));
  const next = was.findIndex((line, at) => at > start && HEADER.test(line));
  const end = next === -1 ? was.length : next;
  const edits: ConfigEdit[] = [];
  for (const [at, line] of was.entries()) {
    const now = is[at] ?? '';
    if (line === now) continue;
    // A line that continues the previous one is not an instruction.
    if (start === -1 || at <= start || at >= end || /[\\`]\s*$/.test(was[at - 1] ?? '')) return undefined;
    const [one, other] = [readInstruction(line), readInstruction(now)];
    if (one === undefined || other === undefined) return undefined;
    if ((one.labels === undefined) !== (other.labels === undefined)) return undefined;
    edits.push({ before: one, after: other });
  }
  const sections = [was, is].map((lines) => lines.slice(start + 1, end));
  return sections.every((lines) => isClear(lines, edits)) ? edits : undefined;
}

/** Whether no other instruction of the stage writes the same settings. */
function isClear(lines: readonly string[], edits: readonly ConfigEdit[]): boolean {
  if (edits.some(({ before }) => before.command !== undefined))
    if (lines.filter((line) => /^\s*CMD\b/i.test(line)).length !== 1) return false;
  if (!edits.some(({ before }) => before.labels !== undefined)) return true;
  const names = lines
    .filter((line) => /^\s*LABEL\b/i.test(line))
    .flatMap((line): readonly (string | undefined)[] => {
      const labels = readInstruction(line)?.labels;
      return labels === undefined ? [undefined] : [...labels.keys()];
    });
  return !names.includes(undefined) && new Set(names).size === names.length;
}

function readInstruction(line: string): Written | undefined {
  const [, pairs] = LABEL.exec(line) ?? [];
  if (pairs !== undefined) {
    const labels = [...pairs.matchAll(PAIR)].map(
      ([, name = '', quoted, bare]) => [name, quoted ?? bare ?? ''] as const,
    );
    if (new Set(labels.map(([name]) => name)).size !== labels.length) return undefined;
    return {
      entry: `LABEL ${labels.map((pair) => pair.join('=')).join(' ')}`,
      labels: new Map(labels),
    };
  }
  const command = parseList(COMMAND.exec(line)?.[1] ?? '');
  if (command === undefined || command.length === 0 || !command.every((word) => PLAIN.test(word)))
    return undefined;
  return { entry: `CMD [${command.map((word) => `"${word}"`).join(' ')}]`, command };
}

function parseList(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((word) => typeof word === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The config of an image after edits.
 *
 * @param config as the engine wrote it
 * @param given the build's `labels:`, which take precedence over those of the Dockerfile
 * @returns undefined if it is not known
 */
export function applyConfigEdits(
  config: string,
  edits: readonly ConfigEdit[],
  given: GivenLabels,
): string | undefined {
  let image = readImageConfig(config);
  for (const edit of edits) image = image === undefined ? undefined : applyEdit(image, edit, given);
  return image === undefined ? undefined : writeImageConfig(image);
}

function applyEdit(
  image: ImageConfig,
  { before, after }: ConfigEdit,
  given: GivenLabels,
): ImageConfig | undefined {
  // An equal entry may belong to the base image.
  const entries = image.history.filter(({ created_by }) => created_by === before.entry);
  const [entry] = entries;
  if (entry?.empty_layer !== true || entries.length !== 1) return undefined;
  const history = image.history.map((one) => (one === entry ? { ...one, created_by: after.entry } : one));
  if (before.command !== undefined) {
    if (!isSameJson(image.config['Cmd'], before.command)) return undefined;
    return { ...image, history, config: { ...image.config, Cmd: after.command } };
  }
  const held = image.config['Labels'];
  const labels: Record<string, unknown> = Object.assign(Object.create(null), isObject(held) ? held : {});
  for (const [name, value] of before.labels ?? []) {
    // The base image's value of a removed label is not known.
    if (labels[name] !== value || after.labels?.has(name) !== true) return undefined;
  }
  for (const [name, value] of after.labels ?? []) {
    if (given.before.has(name) || given.after.has(name)) return undefined;
    labels[name] = value;
  }
  return { ...image, history, config: { ...image.config, Labels: labels } };
}
