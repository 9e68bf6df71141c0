/**
 * A Dockerfile as a fake engine reads it: instructions and stages, straight from the text and without our own parser,
 * so that the two cannot be wrong in the same way. Knows the plain forms that tests write (no heredocs, no JSON form of
 * COPY, no escapes).
 */

/** One instruction. */
export interface FakeInstruction {
  readonly name: string;
  readonly flags: ReadonlyMap<string, string>;
  /** Without name and flags. */
  readonly rest: string;
  /** As written, on one line. */
  readonly text: string;
  /** One-based. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** One stage. */
export interface FakeStage {
  /** Empty: it has none. */
  readonly name: string;
  /** Not expanded. */
  readonly base: string;
  readonly platform: string | undefined;
  readonly from: FakeInstruction;
  readonly instructions: readonly FakeInstruction[];
}

/** A whole file. */
export interface FakeDockerfile {
  readonly text: string;
  /** `ARG` lines before the first stage. */
  readonly globals: readonly FakeInstruction[];
  readonly stages: readonly FakeStage[];
}

/** Reads a Dockerfile. Throws with BuildKit's words where it cannot. */
export function readFakeDockerfile(text: string): FakeDockerfile {
  const globals: FakeInstruction[] = [];
  const stages: FakeStage[] = [];
  let instructions: FakeInstruction[] = [];
  for (const instruction of readInstructions(text)) {
    if (instruction.name !== 'FROM') {
      if (stages.length > 0) instructions.push(instruction);
      else if (instruction.name === 'ARG') globals.push(instruction);
      else throw new Error('dockerfile parse error on line 1: no build stage in current context');
      continue;
    }
    instructions = [];
    const [base = '', as, name = ''] = instruction.rest.split(/\s+/);
    stages.push({
      name: as?.toUpperCase() === 'AS' ? name.toLowerCase() : '',
      base,
      platform: instruction.flags.get('platform'),
      from: instruction,
      instructions,
    });
  }
  if (stages.length === 0) throw new Error('dockerfile parse error: no build stage in current context');
  return { text, globals, stages };
}

const KNOWN =
  /^(?:FROM|ARG|ENV|LABEL|COPY|ADD|RUN|WORKDIR|USER|CMD|ENTRYPOINT|EXPOSE|VOLUME|STOPSIGNAL|ONBUILD|SHELL|HEALTHCHECK)$/;

function readInstructions(text: string): readonly FakeInstruction[] {
  const found: FakeInstruction[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const firstLine = at + 1;
    let line = lines[at] ?? '';
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    while (line.endsWith('\\') && at + 1 < lines.length) line = `${line.slice(0, -1)}${lines[++at] ?? ''}`;
    const [, name = '', after = ''] = /^\s*(\S+)\s*(.*)$/s.exec(line) ?? [];
    if (!KNOWN.test(name.toUpperCase()))
      throw new Error(`dockerfile parse error on line ${firstLine}: unknown instruction: ${name}`);
    const flags = new Map<string, string>();
    let rest = after;
    for (let flag = FLAG.exec(rest); flag !== null; flag = FLAG.exec(rest)) {
      flags.set(flag[1] ?? '', flag[2] ?? '');
      rest = rest.slice(flag[0].length);
    }
    found.push({
      name: name.toUpperCase(),
      flags,
      rest: rest.trim(),
      text: line.trim().replace(/\s+/g, ' '),
      firstLine,
      lastLine: at + 1,
    });
  }
  return found;
}

const FLAG = /^--([a-z]+)(?:=(\S+))?\s+/;

/** Puts values in the place of `$NAME` and `${NAME}`; what is not known becomes nothing. */
export function expandVariables(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_, braced?: string, plain?: string) => values.get(braced ?? plain ?? '') ?? '',
  );
}

/** The lines of a file that BuildKit prints where an instruction failed (solver/errdefs/source.go). */
export function excerptOf(filename: string, text: string, { firstLine, lastLine }: FakeInstruction): string {
  const rule = '-'.repeat(20);
  const shown = text.split('\n').flatMap((line, at) => {
    const number = at + 1;
    if (number < firstLine - 2 || number > lastLine + 2 || (line === '' && number > lastLine)) return [];
    const mark = number >= firstLine && number <= lastLine ? '>>>' : '   ';
    return [`${String(number).padStart(4)} | ${mark} ${line}`];
  });
  return [`${filename}:${firstLine}`, rule, ...shown, rule].join('\n');
}
