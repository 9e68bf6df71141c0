/** Commands that plan and build. */
import type { Command } from 'cac';
import {
  asPushed,
  type Declare,
  fromFiles,
  JSON_TEXT,
  lazily,
  mistrusting,
  onEngines,
  overriding,
  REPEATS,
  selecting,
} from './shared.ts';

/** `run`, `plan`, `explain`, `affected`, `verify`. */
export function declareBuild(command: Declare): void {
  runningFiles(
    onEngines(
      mistrusting(
        overriding(
          fromFiles(
            selecting(command('run [...builds]', 'Build and push what has changed', 'cli#run').alias('bake')),
          ),
        ),
      )
        .option(
          '--since <revision>',
          'Only builds affected by changes since a commit; main...: since it branched off',
        )
        .option('--force', 'Call buildctl also for unchanged builds; the cache of the engine still applies')
        .option('--watch', 'Keep running, and build again whenever an input changes')
        .option('--dry-run', 'Decide and show the reasons, but build and push nothing')
        .option('--print', 'Print what `docker buildx bake --print` prints for the same files; build nothing')
        .option('-j, --jobs <number>', 'Builds at a time, 1 to 999; default: twice the processors')
        .option('--audit <part>', 'Rebuild a random part of the unchanged builds and compare: 5% or a number')
        .option('--audit-seed <number>', 'Choose the same builds as the audit that printed this number')
        .option('--by-digest', 'Push by digest only and move no tag; `bake-ts merge` joins the platforms')
        .option('--atomic', 'Move tags only after all builds succeeded, as with `publish: together`')
        .option('--fail-fast', 'Stop all builds at the first failure')
        .option('--stall-timeout <duration>', 'Stop a build that shows no progress for this long, e.g. 10m'),
      'Use this buildkitd, e.g. tcp://host:1234; several form a pool',
    )
      .option(
        '--progress <auto|tty|plain|grouped|json|quiet>',
        'How to show progress; json: one event per line on stdout',
      )
      .option('--timestamps', 'Start each line of plain and grouped output with its time')
      .option('--notify', 'Send a terminal notification when a run of more than a minute ends'),
  )
    .example('  bake-ts run                         the group "default", or everything')
    .example("  bake-ts run 'api-*' !api-legacy     builds by pattern, without some")
    .example('  bake-ts run --set "*.args.MODE=prod" --platform linux/arm64')
    .action(lazily(() => import('../commands/run.ts')));

  mistrusting(
    overriding(
      fromFiles(
        selecting(command('plan [...builds]', 'Show what would be built, and in which order', 'cli#plan')),
      ),
    ),
  )
    .option('--json', 'Print the plan as JSON, for programs')
    .option('--tree', 'Show dependencies as a tree')
    .option('--dot', 'Print the graph for Graphviz')
    .option('--html', 'Print the graph and the builds as one HTML page')
    .option('--mermaid', 'Print the graph for Mermaid, which GitHub shows in Markdown')
    .option('--engines', 'Show which engines of a pool each build prefers, in order')
    .action(lazily(() => import('../commands/plan.ts')));

  onEngines(
    mistrusting(
      overriding(
        fromFiles(
          selecting(command('explain [...builds]', 'Show why builds would run or be skipped', 'cli#explain')),
        ),
      ),
    ),
    'Check the images of this buildkitd',
  )
    .option('--json', JSON_TEXT)
    .example('  bake-ts explain            a few lines for each build')
    .example('  bake-ts explain api        everything about one build')
    .action(lazily(() => import('../commands/explain.ts')));

  mistrusting(
    overriding(
      fromFiles(
        selecting(
          command(
            'affected [...builds]',
            'List the builds affected by changes since a git revision',
            'cli#affected',
          ),
        ),
      ),
    ),
  )
    .option('--since <revision>', 'Commit, branch or tag to compare with; main...: where it branched off')
    .option('--verbose', 'Also show why each build is affected')
    .option('--json', 'Print names and reasons as JSON, for programs')
    .example('  bake-ts affected --since origin/main...')
    .example('  bake-ts affected --since HEAD~1 --json | jq -c "[.builds[].build]"')
    .action(lazily(() => import('../commands/affected.ts')));

  onEngines(
    asPushed(
      fromFiles(
        selecting(
          command(
            'verify [...builds]',
            'Build without cache and compare with the images behind the tags',
            'verify',
          ),
        ),
      ),
    )
      .option(
        '--ignore <glob>',
        'Ignore differences in these paths, e.g. /var/cache/** (may be repeated)',
        REPEATS,
      )
      .option('--strict', 'Do not ignore known noise: logs, caches, times in compiled Python'),
  )
    .option('--progress <auto|tty|plain|grouped|quiet>', 'How to show progress, on stderr')
    .option('--verbose', 'Show every difference, also those that are ignored')
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/verify.ts')));
}

/** Options of `run` that write files for other programs. */
function runningFiles(command: Command): Command {
  return command
    .option('--metadata-file <path>', 'Write tags and digests of every build as JSON')
    .option('--report <path>', 'Write the report page, one HTML file: timeline, graph, reasons, logs')
    .option('--trace <path>', 'Write a trace for ui.perfetto.dev and chrome://tracing')
    .option('--junit <path>', 'Write a JUnit report with a test case per build')
    .option('--dotenv <path>', 'Write images by digest as variables for GitLab CI')
    .option(
      '--parents-from <path>',
      'Use dependencies as an earlier run wrote them with --metadata-file (may be repeated)',
      REPEATS,
    );
}
