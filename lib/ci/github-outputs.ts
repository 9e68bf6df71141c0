/** Outputs of a step of GitHub Actions for later steps and jobs: lines for the file that GITHUB_OUTPUT names. */
import type { Outcome } from '../model/mod.ts';
import { escapeControls } from '../util/control-characters.ts';
import { imageOf } from './image-name.ts';

/**
 * The outputs of a run:
 *
 * - `images`: a JSON object, build → `{ result, digest, image, tags }`; `image` is the first tag's repository with the digest
 * - `built`, `failed`: JSON lists of builds, for a matrix
 */
export function runOutputs(outcomes: readonly Outcome[]): ReadonlyMap<string, string> {
  const images = outcomes.map((outcome) => {
    const { build, kind, digest, tags } = outcome;
    return [build, { result: kind, digest, image: imageOf(outcome), tags: tags.map(({ ref }) => ref) }];
  });
  const named = (kind: Outcome['kind']): readonly string[] =>
    outcomes.filter((one) => one.kind === kind).map(({ build }) => build);
  return new Map(
    Object.entries({
      images: Object.fromEntries(images),
      built: named('built'),
      failed: named('failed'),
    }).map(([name, value]) => [name, escapeControls(JSON.stringify(value))]),
  );
}

/**
 * Formats the lines. Values stand between delimiters, so they cannot set other outputs.
 *
 * @param delimiter does not occur in any value: as random as a password
 */
export function formatOutputs(outputs: ReadonlyMap<string, string>, delimiter: string): string {
  return [...outputs]
    .map(([name, value]) => {
      if (value.includes(delimiter)) throw new Error(`the output ${name} holds its delimiter`);
      return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
    })
    .join('');
}
