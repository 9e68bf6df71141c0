import type { ServingEngine } from '../../lib/engine/mod.ts';
import { fail, namedPool, type Problem, type Result } from '../../lib/model/mod.ts';
import { formatBytes, type Palette, plainText, toProblemJson } from '../../lib/report/mod.ts';
import { type System, thisSystem } from '../../lib/system/mod.ts';
import { isSet, listOf, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { engineOfFile } from '../inputs.ts';
import type { Io } from '../io.ts';
import { columnsOf, formatTable, paletteFor, writeJson } from '../output.ts';
import { answersWhole, formatPool, poolToJson } from '../pool-text.ts';
import { withHardStop } from '../signals.ts';

/**
 * `bake-ts engine status`: exits with code 5 if the engine that a run would use does not answer, or one of a pool does
 * not, for use in scripts.
 */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  return withHardStop(io, () => showStatus(args, io));
}

async function showStatus(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { formatSource, engineStatus, poolStatus, servingEngine, tellOutdated } = await import(
    '../../lib/engine/mod.ts'
  );
  const flagAddress = listOf(args, 'addr');
  const file = await engineOfFile(args, io);
  const entries = namedPool({ flagAddresses: flagAddress, env: io.env, settings: file.settings });
  const [status, pool, serving] = await Promise.all([
    engineStatus({ env: io.env, diskUse: isSet(args, 'disk') }),
    entries === undefined ? undefined : poolStatus(entries, { env: io.env, ...file }),
    entries === undefined ? servingEngine({ env: io.env, flagAddress, ...file }) : fail([]),
  ]);
  const { installation, paths } = status;
  const isWhole = pool === undefined ? serving.ok : answersWhole(pool);
  const code = isWhole ? EXIT.ok : EXIT.engine;
  if (isSet(args, 'json')) {
    const ctr = installation?.parts.get('ctr')?.file;
    writeJson(
      {
        ...(pool === undefined ? engineToJson(serving) : poolToJson(pool)),
        running: status.running,
        address: status.address,
        ...(status.registry === undefined ? {} : { registry: status.registry }),
        ...(ctr === undefined
          ? {}
          : { containerd: { socket: paths.containerdSocket, namespace: paths.namespace, ctr } }),
        daemons: status.daemons,
        ...(installation === undefined
          ? {}
          : { installation: { ...installation, parts: [...installation.parts.values()] } }),
        paths,
        ...(status.diskUse === undefined ? {} : { diskUse: status.diskUse }),
      },
      io,
    );
    return code;
  }
  const palette = paletteFor(args, io, io.stdout);
  const outdated = installation === undefined ? undefined : tellOutdated(installation);
  if (pool !== undefined) io.stdout.write(`${formatPool(pool, palette, columnsOf(io.stdout))}\n`);
  else if (serving.ok) io.stdout.write(`${formatServing(serving.value, palette).join('\n')}\n\n`);
  else io.stdout.write(`${formatNone(serving.error, palette).join('\n')}\n\n`);
  const lines = [
    `embedded engine: ${status.running ? `${palette.good('running')}, ${status.address}` : palette.warning('not running')}`,
    ...(status.registry === undefined ? [] : [`registry: ${status.registry}`]),
    installation === undefined
      ? whyNotInstalled(thisSystem())
      : `installed: ${installation.dir} (${installation.installedAt.slice(0, 10)})`,
    ...(outdated === undefined ? [] : [`outdated:  ${palette.warning(outdated)}`]),
    `state:     ${paths.stateDir}`,
    `logs:      ${paths.logDir}`,
    ...(status.diskUse === undefined
      ? []
      : [
          `on disk:   ${formatBytes(status.diskUse.binariesBytes)} of programs, ${formatBytes(status.diskUse.stateBytes)} of images and cache`,
        ]),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
  if (status.daemons.length > 0) {
    const rows = status.daemons.map((one) => [
      one.name,
      one.state,
      String(one.pid),
      one.version,
      one.address,
    ]);
    io.stdout.write(`\n${formatTable(['DAEMON', 'STATE', '>PID', 'VERSION', 'ADDRESS'], rows, palette)}`);
  }
  if (installation !== undefined) {
    const rows = [...installation.parts.values()].map((one) => [
      one.part,
      one.version,
      formatSource(one.source),
    ]);
    io.stdout.write(`\n${formatTable(['PROGRAM', 'VERSION', 'FROM'], rows, palette)}`);
  }
  return code;
}

/** The engine that a run would use, as JSON; `doctor` prints the same. */
export function engineToJson(serving: Result<ServingEngine>): object {
  if (!serving.ok) return { problems: serving.error.map(toProblemJson) };
  const { unreadable, ...engine } = serving.value;
  return {
    engine: { ...engine, ...(unreadable === undefined ? {} : { unreadable: toProblemJson(unreadable) }) },
  };
}

function whyNotInstalled(system: System): string {
  return system === 'linux' ? 'not installed: bake-ts engine install' : 'runs on Linux only';
}

function formatServing(engine: ServingEngine, palette: Palette): readonly string[] {
  const { address, source, version, worker, containerd, unreadable, notes } = engine;
  const store =
    containerd === undefined
      ? (unreadable?.message ?? 'not known')
      : `${containerd.socket}, namespace ${containerd.namespace}`;
  return [
    `run uses:   ${palette.good(plainText(address))} (${plainText(source)})`,
    ...[
      `BuildKit:   ${version ?? 'unknown version'}`,
      `worker:     ${worker.executor}, snapshotter ${worker.snapshotter}, network ${worker.network}`,
      `platforms:  ${worker.platforms.join(', ')}`,
      `containerd: ${store}`,
      ...notes.map((note) => `note:       ${note}`),
    ].map(plainText),
  ];
}

function formatNone(problems: readonly Problem[], palette: Palette): readonly string[] {
  if (problems.some(({ code }) => code === 'engine/not-running'))
    return ['run uses:   the embedded engine, which it starts'];
  return problems.flatMap(({ message, hint, detail }) => [
    `run uses:   ${palette.warning(`none: ${plainText(message)}`)}`,
    ...[...(detail?.split('\n') ?? []), ...(hint?.split('\n') ?? [])].map(
      (line) => `            ${plainText(line)}`,
    ),
  ]);
}
