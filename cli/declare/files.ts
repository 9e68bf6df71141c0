/** Commands about builds.yaml, Dockerfiles and builds.lock. */
import {
  type Declare,
  fromFiles,
  JSON_TEXT,
  lazily,
  mistrusting,
  onEngines,
  overriding,
  selecting,
} from './shared.ts';

const FORMAT = '--format <text|lines|json|github>';
const FORMAT_TEXT = 'lines: one line per problem; github: annotations in a pull request';

/** `list`, `validate`, `lint`, `print`, `init`, `import`, `schema`. */
export function declareFiles(command: Declare): void {
  mistrusting(fromFiles(command('list', 'List builds, groups and variables', 'cli#list')))
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/list.ts')));
  mistrusting(
    fromFiles(command('validate', 'Check builds.yaml and show all problems at once', 'cli#validate')),
  )
    .option(FORMAT, FORMAT_TEXT)
    .action(lazily(() => import('../commands/validate.ts')));
  onEngines(
    mistrusting(
      fromFiles(
        selecting(
          command('lint [...builds]', "Check Dockerfiles with BuildKit's rules; builds nothing", 'cli#lint'),
        ),
      ),
    )
      .option(FORMAT, FORMAT_TEXT)
      .option('--strict', 'Exit with code 1 for warnings too; most findings are warnings'),
  ).action(lazily(() => import('../commands/lint.ts')));
  mistrusting(
    overriding(
      fromFiles(
        selecting(command('print [...builds]', 'Print builds with all values filled in', 'cli#print')),
      ),
    ),
  )
    .option('--show-sensitive', 'Also print the values of sensitive variables')
    .option('--json', 'Print JSON instead of YAML')
    .action(lazily(() => import('../commands/print.ts')));
  command('init', 'Write a first builds.yaml from bake or Compose files and Dockerfiles', 'cli#init')
    .option('-o, --output <path>', 'Write to this file instead of builds.yaml; - is stdout')
    .option('--force', 'Overwrite an existing file')
    .action(lazily(() => import('../commands/init.ts')));
  command('import [...files]', 'Convert a bake file (HCL, JSON) or Compose file to builds.yaml', 'import')
    .option('-o, --output <path>', 'Write to this file instead of stdout')
    .option('--force', 'Overwrite an existing file')
    .example('  bake-ts import docker-bake.hcl -o builds.yaml')
    .example('  bake-ts import compose.yaml -o builds.yaml')
    .action(lazily(() => import('../commands/import.ts')));
  command('schema', 'Print the JSON Schema of builds.yaml, for editors', 'cli#schema').action(
    lazily(() => import('../commands/schema.ts')),
  );
}

/** `lock`, `outdated`, `update`. */
export function declareLock(command: Declare): void {
  fromFiles(
    selecting(command('lock [...builds]', 'Write the digests of external images to builds.lock', 'cli#lock')),
  )
    .option('--check', 'Change nothing; exit with code 1 if builds.lock is not up to date')
    .option('--json', 'Print the changes as JSON, for programs')
    .action(lazily(() => import('../commands/lock.ts')));
  fromFiles(command('outdated', 'Show which locked images have a newer digest', 'cli#outdated'))
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/outdated.ts')));
  fromFiles(
    command('update [...images]', 'Update locked images to the current digests of their tags', 'cli#update'),
  )
    .option('--json', 'Print the changes as JSON, for programs')
    .example('  bake-ts update              every image in builds.lock')
    .example("  bake-ts update 'node:*'     some images, by pattern")
    .action(lazily(() => import('../commands/update.ts')));
}
