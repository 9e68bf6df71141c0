/** How one build ended, as text. */
import type { Outcome, ProblemJson, Reason } from '../model/mod.ts';
import type { Paint, Palette } from './palette.ts';
import { withoutNumber } from './step-names.ts';
import { plainText } from './text.ts';
import { formatBytes, formatDuration, shortDigest } from './units.ts';

/** How a result is shown. */
export interface OutcomeWord {
  readonly sign: string;
  readonly word: string;
  readonly paint: Paint;
}

/** Sign, word and colour of a result. */
export function outcomeWord(outcome: Outcome, palette: Palette): OutcomeWord {
  switch (outcome.kind) {
    case 'built':
      return { sign: '✓', word: outcome.dryRun ? 'would build' : 'built', paint: palette.good };
    case 'retagged':
      return { sign: '✓', word: outcome.dryRun ? 'would retag' : 'retagged', paint: palette.good };
    case 'unchanged':
      return { sign: '=', word: 'unchanged', paint: palette.info };
    case 'failed':
      return { sign: '✗', word: 'failed', paint: palette.error };
    case 'cancelled':
      return { sign: '-', word: 'cancelled', paint: palette.warning };
    case 'blocked':
      return { sign: '-', word: 'blocked', paint: palette.warning };
  }
}

/**
 * A failure on one line: `images/base/Dockerfile:2: exit code 2: RUN make`. The most important part comes first,
 * because the end may be truncated.
 *
 * @param step the failed step, as BuildKit prints it
 */
export function failureText({ place, message }: ProblemJson, step?: string): string {
  const where = place === undefined ? '' : `${place.file}:${place.line}: `;
  const behind = step === undefined ? '' : ` (${step})`;
  if (step === undefined || !message.endsWith(behind)) return oneLine(`${where}${message}`);
  const words = message.slice(0, -behind.length).replace(/^a step (?:ended with |failed: ?)?/, '');
  return oneLine(`${where}${words}: ${withoutNumber(step)}`);
}

function oneLine(text: string): string {
  return text.split('\n').map(plainText).join(' ');
}

/** A summary of an outcome on one line: size, time, and where it was pushed to. */
export function finishedNote(outcome: Outcome): string {
  if (outcome.kind === 'failed') return plainText(outcome.problem?.message ?? '');
  const parts: string[] = [];
  if (outcome.digest !== undefined) parts.push(shortDigest(outcome.digest));
  if (outcome.sizeBytes !== undefined) parts.push(formatBytes(outcome.sizeBytes));
  parts.push(formatDuration(outcome.durationMs));
  const sent = outcome.tags.filter((tag) => tag.action !== 'there');
  const first = sent[0] ?? outcome.tags[0];
  if (first !== undefined) {
    const more = (sent.length > 0 ? sent.length : outcome.tags.length) - 1;
    parts.push(`→ ${first.ref}${more > 0 ? ` and ${more} more` : ''}`);
  }
  return parts.join('  ');
}

/** What a reason lists beyond its text, which often is its only item. */
export function itemsOf({ text, items = [] }: Reason): readonly string[] {
  return items.length === 1 && text.includes(items[0] ?? '') ? [] : items;
}

/** Why a build is in the state it is in, as text; empty where there is nothing to add. */
export function explainOutcome(outcome: Outcome): string {
  if (outcome.kind === 'blocked') {
    return outcome.blockedBy === undefined
      ? 'a build it needs did not succeed'
      : `needs ${outcome.blockedBy}, which did not succeed`;
  }
  if (outcome.kind === 'failed') return plainText(outcome.problem?.message ?? '');
  const { reason } = outcome;
  if (reason === undefined) return '';
  const items = reason.items ?? [];
  const [first] = items;
  // The reason often contains its first item already ("README changed"); then the item is not repeated.
  if (first === undefined || reason.text.includes(first)) return plainText(reason.text);
  const more = items.length > 1 ? `, and ${items.length - 1} more` : '';
  return plainText(`${reason.text}: ${first}${more}`);
}
