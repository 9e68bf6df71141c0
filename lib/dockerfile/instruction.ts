/** Types of a parsed Dockerfile. Variables are not expanded. */
import type { SourceFile, Span } from '../model/mod.ts';

/** Text between `<<NAME` and its end marker. */
export interface Heredoc {
  readonly name: string;
  readonly chomp: boolean;
  readonly content: string;
}

/** A blank-separated argument with its place. */
export interface Argument {
  readonly text: string;
  readonly span: Span;
}

/** One instruction with continuation lines joined and without comments. */
export interface Instruction {
  /** In uppercase. */
  readonly keyword: string;
  /** The joined line as written, without surrounding blanks. */
  readonly text: string;
  /** `--name=value` arguments in order, quotes and escapes resolved. */
  readonly flags: readonly Argument[];
  /** The text after the flags. */
  readonly rest: string;
  /** `rest` as a list: the strings of a JSON array, otherwise split at blanks. */
  readonly args: readonly Argument[];
  readonly isJson: boolean;
  readonly heredocs: readonly Heredoc[];
  readonly span: Span;
  /** The instruction in ONBUILD. */
  readonly trigger?: Instruction;
}

/** A stage: `FROM` and everything up to the next one. */
export interface StageSource {
  readonly index: number;
  /** As written after FROM, not expanded. */
  readonly base: Argument;
  /** Value of `--platform`, not expanded. */
  readonly platform?: Argument;
  /** In lowercase; undefined for a stage without name. */
  readonly name?: string;
  readonly from: Instruction;
  readonly instructions: readonly Instruction[];
}

/** A parsed Dockerfile. */
export interface Dockerfile {
  readonly source: SourceFile;
  readonly escape: '\\' | '`';
  /** The frontend image of `# syntax=`. */
  readonly syntax?: Argument;
  /** `# check=`: which checks are skipped, and whether a warning fails the build. */
  readonly check?: string;
  /** ARG instructions before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly stages: readonly StageSource[];
}

/** The value of a flag; undefined if it is absent. */
export function flagValue(instruction: Instruction, name: string): Argument | undefined {
  return flagValues(instruction, name)[0];
}

/** The values of a flag in order; a bare `--name` is `true`. */
export function flagValues(instruction: Instruction, name: string): readonly Argument[] {
  const found: Argument[] = [];
  for (const flag of instruction.flags) {
    if (flag.text === `--${name}`) found.push({ ...flag, text: 'true' });
    else if (flag.text.startsWith(`--${name}=`)) {
      found.push({ ...flag, text: flag.text.slice(name.length + 3) });
    }
  }
  return found;
}
