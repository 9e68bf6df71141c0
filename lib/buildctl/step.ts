/**
 * Step names of BuildKit's Dockerfile frontend: `[linux/arm64 build 2/5] RUN make` is the second of five steps of the stage
 * `build` (buildkit frontend/dockerfile/dockerfile2llb/convert.go, `prefixCommand`).
 */
import { type Dockerfile, type Instruction, parseDockerfile } from '../dockerfile/mod.ts';
import type { SourceFile, Span } from '../model/mod.ts';

/** Groups: text in the brackets, number of the step, number of steps, instruction. */
const STEP = /^\[(|[^\]]* )(\d+)\/(\d+)\] (?!FROM )(.*)$/s;

/** Instructions that are numbered. */
const NUMBERED: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN', 'WORKDIR']);

/** True for a step of a Dockerfile, except FROM, which BuildKit never reports as cached. */
export function isStep(name: string): boolean {
  return STEP.test(name);
}

/**
 * Finds the instruction of a step. If two builds share a step, BuildKit runs it once and reports it to both with the lines and
 * the name from one of the Dockerfiles. So the instruction is identified by its text; stage and number only decide between
 * instructions with the same text.
 *
 * @returns undefined if none or more than one instruction matches
 */
export function findStep(source: SourceFile, name: string): Span | undefined {
  const [, brackets = '', number, total, text = ''] = STEP.exec(name) ?? [];
  if (text === '') return undefined;
  const parsed = parseDockerfile(source);
  if (!parsed.ok) return undefined;
  const written = withoutLayout(text.replace(/^LINK /, ''));
  const alike = stepsOf(parsed.value).filter(({ instruction }) => mayBecome(nameOf(instruction), written));
  const inBrackets = brackets.trim().split(' ').at(-1) ?? '';
  const stage = inBrackets.includes('/') ? '' : inBrackets; // a platform, not a stage
  const inStage = alike.filter((one) => one.stage === stage);
  const atNumber = inStage.filter((one) => one.following === Number(total) - Number(number));
  return [alike, inStage, atNumber].find((some) => some.length === 1)?.[0]?.instruction.span;
}

interface Step {
  readonly instruction: Instruction;
  /** As in step names: empty if the Dockerfile has only one stage. */
  readonly stage: string;
  /** How many numbered steps of its stage follow. Those before it cannot be counted, since they include triggers of the base image. */
  readonly following: number;
}

function stepsOf({ stages }: Dockerfile): readonly Step[] {
  return stages.flatMap(({ index, name = `stage-${index}`, instructions }) =>
    instructions.map((instruction, at) => ({
      instruction,
      stage: stages.length === 1 ? '' : name,
      following: instructions.slice(at + 1).filter(({ keyword }) => NUMBERED.has(keyword)).length,
    })),
  );
}

/** An instruction as in step names, but with unexpanded variables. Of a RUN script, only the first line is included. */
function nameOf({ keyword, text, rest, heredocs, trigger }: Instruction): string {
  if (trigger !== undefined) return `${keyword} ${nameOf(trigger)}`;
  const upper = `${keyword}${text.slice(keyword.length)}`;
  const [heredoc] = heredocs;
  if (keyword !== 'RUN' || heredoc === undefined || !/^<<\S+$/.test(rest)) return upper;
  const [first = '', ...more] = heredoc.content.trim().split('\n');
  return `${upper} (${first}${more.length > 0 ? '...' : ''})`;
}

/** True if some values of the variables turn `text` into `expanded`. */
function mayBecome(text: string, expanded: string): boolean {
  const [first = '', ...pieces] = text.split(/\$(?:\{[^}]*\}|\w+)/).map(withoutLayout);
  const last = pieces.pop();
  if (last === undefined) return first === expanded;
  if (!expanded.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces) {
    const found = expanded.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= expanded.length - last.length && expanded.endsWith(last);
}

/** Removes blanks, quotes and backslashes, which differ between step names and Dockerfiles. */
function withoutLayout(text: string): string {
  return text.replaceAll(/[\s"'`\\]/g, '');
}
