/** Commands about engines. */
import type { Command } from 'cac';
import { type Declare, fromFiles, JSON_TEXT, lazily, onEngines, REPEATS } from './shared.ts';

const ONE_ENGINE = 'Use this engine instead of the one that a run would use';

/** `engine …` and `images`. */
export function declareEngine(command: Declare): void {
  declareInstalled(command);
  onEngines(
    command('engine status', 'Show which engine a run would use, and what is installed', 'engine'),
    'Check this engine',
  )
    .option('--disk', 'Also show disk usage, which takes a while')
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/engine-status.ts')));
  onEngines(
    command('engine doctor', 'Check whether this machine can run an engine, and what to fix', 'engine'),
    'Check as if a run would use this engine',
  )
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/engine-doctor.ts')));
  command('engine logs [daemon]', 'Show the end of the logs of containerd, buildkitd or registry', 'engine')
    .option('-n, --lines <number>', 'Lines of each log; default: 50')
    .action(lazily(() => import('../commands/engine-logs.ts')));
  fromFiles(
    command('engine du', 'Show disk usage of the engine by kind and by build', 'engine#what-it-keeps'),
  )
    .option('--addr <address>', ONE_ENGINE)
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/engine-du.ts')));
  fromFiles(
    command(
      'engine prune',
      'Delete cache and images of the engine to free disk space',
      'engine#what-it-keeps',
    ),
  )
    .option('--addr <address>', ONE_ENGINE)
    .option('--keep <size>', 'Keep this much of the cache, most recently used first, e.g. 10GB')
    .option('--older <duration>', 'Delete only cache that was not used for this long, e.g. 7d')
    .option('--all', "Also delete BuildKit's internal cache and what images share with the cache")
    .option('--images', 'Delete images of builds that are no longer in builds.yaml')
    .option('--gone', 'Delete leftovers of builds and checkouts that no longer exist')
    .option('--dry-run', 'Show what would be deleted, but delete nothing')
    .option('-y, --yes', 'Do not ask for confirmation')
    .option('--json', JSON_TEXT)
    .example('  bake-ts engine prune --keep 10GB                all cache but 10 GB')
    .example('  bake-ts engine prune --older 7d                 cache that was not used for a week')
    .example('  bake-ts engine prune --images --gone --dry-run  show images and leftovers that nothing needs')
    .action(lazily(() => import('../commands/engine-prune.ts')));
  command('images', "List the images in the engine's store", 'cli#images')
    .option('--addr <address>', ONE_ENGINE)
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/images.ts')));
  command(
    'engine service <kind>',
    'Print a systemd unit or Kubernetes objects that keep an engine running',
    'engine#an-engine-that-stays',
  )
    .option('--rootless', 'With kubernetes: run buildkitd without privileges')
    .example('  bake-ts engine service systemd | sudo tee /etc/systemd/system/bake-ts-engine.service')
    .action(lazily(() => import('../commands/engine-service.ts')));
}

/** Commands of the engine that bake-ts installs. */
function declareInstalled(command: Declare): void {
  fromSources(
    command(
      'engine install',
      "Install containerd, buildkitd, buildctl and runc in bake-ts's own directory",
      'engine',
    ).option('--registry', 'Also install a registry, to try pushing'),
  )
    .option('--force', 'Install again even if it is installed')
    .action(lazily(() => import('../commands/engine-install.ts')));
  fromSources(
    command(
      'engine upgrade',
      'Upgrade the engine to the versions this bake-ts pins; keeps cache and images',
      'engine#upgrading',
    ),
  )
    .option('--check', 'Only compare the installed versions with the pinned ones')
    .option('--restart', 'Restart a running engine even while it builds')
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/engine-upgrade.ts')));
  command('engine up', 'Start the engine; does nothing if it runs', 'engine')
    .option('--registry', 'Also start a local registry on port 5000')
    .option('--registry-port <number>', 'Start a local registry on this port')
    .option('--json', 'Print what runs as JSON, for programs')
    .action(lazily(() => import('../commands/engine-up.ts')));
  command('engine down', 'Stop the engine; keeps cache and images', 'engine').action(
    lazily(() => import('../commands/engine-down.ts')),
  );
  command('engine rm', 'Stop the engine and delete its images, cache and logs', 'engine')
    .option('--programs', 'Also delete the programs that `engine install` installed')
    .option('-y, --yes', 'Do not ask for confirmation')
    .action(lazily(() => import('../commands/engine-rm.ts')));
}

/** Options for where the programs of the engine come from. */
function fromSources(command: Command): Command {
  return command
    .option('--from <path|release|go|debian>', 'Use only this source; default: the first that has everything')
    .option('--mirror <url>', 'Download from this host instead of the official release host')
    .option(
      '--file <package=path>',
      'Use this release file, e.g. buildkit=b.tar.gz (may be repeated)',
      REPEATS,
    )
    .option(
      '--checksum <package=sha256>',
      'Expect this checksum instead of the pinned one (may be repeated)',
      REPEATS,
    );
}
