/** The records of a parsed Dockerfile. Nothing in them is expanded. */
import type { SourceFile, Span } from '../model/mod.ts';

/** Text between `<<NAME` and its end. */
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

/** One instruction, continuation lines joined, comments gone. */
export interface Instruction {
  /** In uppercase. */
  readonly keyword: string;
  /** The joined line as it was written, without surrounding blanks. */
  readonly text: string;
  /** `--name=value` words in order, quotes and escapes resolved. */
  readonly flags: readonly Argument[];
  /** What follows the flags. */
  readonly rest: string;
  /** `rest` as a list: a JSON array's strings, else what blanks separate. */
  readonly args: readonly Argument[];
  readonly isJson: boolean;
  readonly heredocs: readonly Heredoc[];
  readonly span: Span;
  /** The instruction inside an ONBUILD. */
  readonly trigger?: Instruction;
}

/** `FROM` up to the next one. */
export interface StageSource {
  readonly index: number;
  /** As written after FROM, nothing expanded. */
  readonly base: Argument;
  /** Value of `--platform`, nothing expanded. */
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

/** The value of a flag given once; undefined where it is absent. */
export function flagValue(instruction: Instruction, name: string): Argument | undefined {
  return flagValues(instruction, name)[0];
}

/** The values of a flag in order; `--name` alone counts as `true`. */
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
