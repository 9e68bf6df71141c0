import { formatBytes } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, writeJson } from '../output.ts';

/** `bake-ts engine status`: ends with 5 where the engine does not run, so that scripts can ask. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const { formatSource, engineStatus } = await import('../../lib/engine/mod.ts');
  const status = await engineStatus({ env: io.env, diskUse: isSet(args, 'disk') });
  const { installation, paths } = status;
  const code = status.running ? EXIT.ok : EXIT.engine;
  if (isSet(args, 'json')) {
    const ctr = installation?.parts.get('ctr')?.file;
    writeJson(
      {
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
  const lines = [
    status.running ? `${palette.good('running')}: ${status.address}` : `${palette.warning('not running')}`,
    ...(status.registry === undefined ? [] : [`registry: ${status.registry}`]),
    installation === undefined
      ? 'not installed: bake-ts engine install'
      : `installed: ${installation.dir} (${installation.installedAt.slice(0, 10)})`,
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
