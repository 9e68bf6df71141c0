/** Instructions → stages: checks what a Dockerfile must have, and assigns instructions to stages. */
import {
  isDockerfileFrontend,
  type Problem,
  problem,
  type Result,
  type SourceFile,
  spanOfLine,
} from '../model/mod.ts';
import { type Dockerfile, flagValue, type Instruction, type StageSource } from './instruction.ts';
import { InstructionReader } from './reader.ts';

/** Far more than any real file has; each stage may be based on the previous one. */
const MAX_STAGES = 1000;

/**
 * Parses a Dockerfile. Problems: `dockerfile/empty`, `dockerfile/unknown-instruction`, `dockerfile/no-stage`,
 * `dockerfile/too-many-stages`, `dockerfile/syntax`; all that are found are reported at once, each with its place. A file
 * for another frontend (`# syntax=` with an image that is not a Dockerfile frontend) never fails: it may be in any
 * language.
 */
export function parseDockerfile(source: SourceFile): Result<Dockerfile> {
  const problems: Problem[] = [];
  const reader = new InstructionReader(source, problems);
  const instructions = reader.readAll();
  if (instructions.length === 0 && problems.length === 0) {
    problems.push(
      problem('dockerfile/empty', `${source.path} has no instruction`, {
        hint: 'Start it with FROM.',
        span: spanOfLine(source, 1),
      }),
    );
  }
  const globalArgs: Instruction[] = [];
  const stages: { stage: Omit<StageSource, 'instructions'>; instructions: Instruction[] }[] = [];
  // After a misspelt FROM, everything below would be reported as misplaced.
  let misplaced = problems.length > 0;
  for (const instruction of instructions) {
    const current = stages.at(-1);
    if (instruction.keyword === 'FROM') {
      const stage = readFrom(instruction, stages.length, problems);
      if (stage !== undefined) stages.push({ stage, instructions: [] });
    } else if (current !== undefined) current.instructions.push(instruction);
    else if (instruction.keyword === 'ARG') globalArgs.push(instruction);
    else if (!misplaced) {
      misplaced = true;
      problems.push(
        problem('dockerfile/no-stage', `${instruction.keyword} is before the first FROM`, {
          hint: 'Move it after FROM; only ARG may come before.',
          span: instruction.span,
        }),
      );
    }
  }
  if (stages.length === 0 && problems.length === 0) {
    problems.push(
      problem('dockerfile/no-stage', `${source.path} has no FROM`, {
        hint: 'Add a stage; use FROM scratch for an empty base.',
        span: spanOfLine(source, 1),
      }),
    );
  }
  const beyond = stages[MAX_STAGES];
  if (beyond !== undefined) {
    problems.push(
      problem(
        'dockerfile/too-many-stages',
        `${source.path} has ${stages.length} stages; ${MAX_STAGES} are allowed`,
        {
          hint: 'Split it into several Dockerfiles, which use one another as named contexts.',
          span: beyond.stage.from.span,
        },
      ),
    );
  }
  const foreign = reader.syntax !== undefined && !isDockerfileFrontend(reader.syntax.text);
  if (problems.length > 0 && !foreign) return { ok: false, error: problems };
  return {
    ok: true,
    value: {
      source,
      escape: reader.escape,
      ...(reader.syntax === undefined ? {} : { syntax: reader.syntax }),
      ...(reader.check === undefined ? {} : { check: reader.check }),
      globalArgs,
      stages: stages.map((one) => ({ ...one.stage, instructions: one.instructions })),
    },
  };
}

/** Parses one trigger in the form of `OnBuild` in image configs; undefined if it is not an instruction. */
export function parseTrigger(text: string, escapeChar: '\\' | '`' = '\\'): Instruction | undefined {
  const prefix = escapeChar === '`' ? '# escape=`\n' : '';
  const problems: Problem[] = [];
  const [first, second] = new InstructionReader({ path: 'ONBUILD', text: prefix + text }, problems).readAll();
  return problems.length > 0 || second !== undefined ? undefined : first;
}

function readFrom(
  instruction: Instruction,
  index: number,
  problems: Problem[],
): Omit<StageSource, 'instructions'> | undefined {
  const [base, as, name, more] = instruction.args;
  const named = as !== undefined;
  if (base === undefined || more !== undefined || (named && (as.text.toLowerCase() !== 'as' || !name))) {
    problems.push(
      problem('dockerfile/syntax', 'FROM must be followed by an image, or an image, AS and a name', {
        span: instruction.span,
        hint: 'Write FROM image or FROM image AS name.',
      }),
    );
    return undefined;
  }
  const lower = name?.text.toLowerCase();
  if (lower !== undefined && !/^[a-z][a-z0-9\-_.]*$/.test(lower)) {
    problems.push(
      problem('dockerfile/syntax', `"${name?.text}" cannot be the name of a stage`, {
        span: name?.span ?? instruction.span,
        hint: 'Start with a letter, followed by letters, digits, - _ and .',
      }),
    );
  }
  const platform = flagValue(instruction, 'platform');
  return {
    index,
    base,
    from: instruction,
    ...(platform === undefined ? {} : { platform }),
    ...(lower === undefined ? {} : { name: lower }),
  };
}

/** A file for a third-party frontend, in any language. */
export function foreignFile(source: SourceFile): Dockerfile {
  return { source, escape: '\\', globalArgs: [], stages: [] };
}
