/**
 * Steps as BuildKit's Dockerfile frontend names them: `[linux/arm64 build 2/5] RUN make` is the second of five of the
 * stage `build` (buildkit frontend/dockerfile/dockerfile2llb/convert.go, `prefixCommand`).
 */
import { type Dockerfile, type Instruction, parseDockerfile } from '../dockerfile/mod.ts';
import type { SourceFile, Span } from '../model/mod.ts';

/** What is in the brackets, the number of the step, of how many, and the instruction. */
const STEP = /^\[(|[^\]]* )(\d+)\/(\d+)\] (?!FROM )(.*)$/s;

/** Instructions that are numbered. */
const NUMBERED: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN', 'WORKDIR']);

/** True for a step of a Dockerfile. FROM is none: BuildKit never says that it was cached. */
export function isStep(name: string): boolean {
  return STEP.test(name);
}

/**
 * Finds the instruction that a step came from. Where two builds share a step, BuildKit runs one build's and shows it to
 * both: what comes of it points at lines of the Dockerfile of that one only, and bears the name it has there. So the
 * instruction is known by its text, and the stage and the number only decide between instructions of the same text.
 *
 * @returns undefined where no instruction, or more than one, can be meant
 */
export function findStep(source: SourceFile, name: string): Span | undefined {
  const [, brackets = '', number, total, text = ''] = STEP.exec(name) ?? [];
  if (text === '') return undefined;
  const parsed = parseDockerfile(source);
  if (!parsed.ok) return undefined;
  const written = withoutLayout(text.replace(/^LINK /, ''));
  const alike = stepsOf(parsed.value).filter(({ instruction }) => mayBecome(nameOf(instruction), written));
  const inBrackets = brackets.trim().split(' ').at(-1) ?? '';
  const stage = inBrackets.includes('/') ? '' : inBrackets; // a platform, and no stage
  const inStage = alike.filter((one) => one.stage === stage);
  const atNumber = inStage.filter((one) => one.following === Number(total) - Number(number));
  return [alike, inStage, atNumber].find((some) => some.length === 1)?.[0]?.instruction.span;
}

interface Step {
  readonly instruction: Instruction;
  /** As names of steps have it: empty where the Dockerfile has one stage only. */
  readonly stage: string;
  /** How many numbered steps of its stage come after it; those before it include triggers of the base image. */
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

/** An instruction as names of steps have it, but with its variables: a script of RUN comes with its first line. */
function nameOf({ keyword, text, rest, heredocs, trigger }: Instruction): string {
  if (trigger !== undefined) return `${keyword} ${nameOf(trigger)}`;
  const upper = `${keyword}${text.slice(keyword.length)}`;
  const [heredoc] = heredocs;
  if (keyword !== 'RUN' || heredoc === undefined || !/^<<\S+$/.test(rest)) return upper;
  const [first = '', ...more] = heredoc.content.trim().split('\n');
  return `${upper} (${first}${more.length > 0 ? '...' : ''})`;
}

/** True where a text becomes the other one once its variables have values, whatever these are. */
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

/** Without what a name has otherwise than the Dockerfile, and one spelling of a step otherwise than another. */
function withoutLayout(text: string): string {
  return text.replaceAll(/[\s"'`\\]/g, '');
}
