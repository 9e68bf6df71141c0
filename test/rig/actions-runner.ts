/**
 * How the runner of GitHub Actions reads what a step gives it: files of outputs (actions/runner,
 * src/Runner.Worker/FileCommandManager.cs) and workflow commands in its log (src/Runner.Common/ActionCommand.cs).
 */

/** Outputs of a file; throws where the runner would fail the step. */
export function readOutputs(text: string): ReadonlyMap<string, string> {
  const outputs = new Map<string, string>();
  let at = 0;
  const readLine = (): string | undefined => {
    if (at >= text.length) return undefined;
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? undefined : end);
    at = end === -1 ? text.length : end + 1;
    return line;
  };
  for (let line = readLine(); line !== undefined; line = readLine()) {
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      if (equals === 0) throw new Error(`Invalid format '${line}'. Name must not be empty`);
      outputs.set(line.slice(0, equals), line.slice(equals + 1));
    } else if (heredoc >= 0) {
      const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
      if (name === '' || delimiter === '') throw new Error(`Invalid format '${line}'`);
      const lines: string[] = [];
      for (let next = readLine(); next !== delimiter; next = readLine()) {
        if (next === undefined) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
        lines.push(next);
      }
      outputs.set(name, lines.join('\n'));
    } else throw new Error(`Invalid format '${line}'`);
  }
  return outputs;
}

/** A command that the runner obeyed. */
export interface RunnerCommand {
  readonly command: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

const COMMANDS: ReadonlySet<string> = new Set(
  'add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher save-state set-env set-output stop-commands warning'.split(
    ' ',
  ),
);

/** The commands in a log, line by line. */
export function readCommands(log: string): readonly RunnerCommand[] {
  return log.split('\n').flatMap((line) => parseColons(line) ?? parseBrackets(line) ?? []);
}

/** `::name key=value,…::data`, at the start of a line but for blanks. */
function parseColons(line: string): RunnerCommand | undefined {
  const message = line.trimStart();
  const end = message.indexOf('::', 2);
  if (!message.startsWith('::') || end < 0) return undefined;
  return toCommand(message.slice(2, end), ',', message.slice(end + 2), {
    '%0D': '\r',
    '%0A': '\n',
    '%3A': ':',
    '%2C': ',',
    '%25': '%',
  });
}

/** `##[name key=value;…]data`, anywhere in a line. */
function parseBrackets(line: string): RunnerCommand | undefined {
  const start = line.indexOf('##[');
  const end = line.indexOf(']', start);
  if (start < 0 || end < 0) return undefined;
  return toCommand(line.slice(start + 3, end), ';', line.slice(end + 1), {
    '%3B': ';',
    '%0D': '\r',
    '%0A': '\n',
    '%5D': ']',
    '%25': '%',
  });
}

function toCommand(
  info: string,
  separator: string,
  data: string,
  escapes: Readonly<Record<string, string>>,
): RunnerCommand | undefined {
  const unescaped = (text: string): string =>
    Object.entries(escapes).reduce((done, [from, to]) => done.replaceAll(from, to), text);
  const space = info.indexOf(' ');
  const command = space < 0 ? info : info.slice(0, space);
  if (!COMMANDS.has(command)) return undefined;
  const pairs =
    space < 0
      ? []
      : info
          .slice(space + 1)
          .trim()
          .split(separator);
  const properties = pairs.flatMap((pair) => {
    const equals = pair.indexOf('=');
    return equals < 1 || equals === pair.length - 1
      ? []
      : [[pair.slice(0, equals), unescaped(pair.slice(equals + 1))] as const];
  });
  return { command, properties: Object.fromEntries(properties), data: unescaped(data) };
}
