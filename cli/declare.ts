/**
 * Every command and option, declared with cac. What each does lies in its own file below commands/, loaded when it is
 * called, so that `--help` and `--version` cost next to nothing.
 */
import { type CAC, type Command, cac } from 'cac';
import { type ParsedArgs, readWords } from './args.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

/** A file below commands/: reads its arguments, does its work, says how the process ends. Throws only for bugs of ours. */
interface CommandModule {
  readonly runCommand: (args: ParsedArgs, io: Io) => Promise<ExitCode>;
}

/** Declared for options that may be given several times. */
const REPEATS = { type: [String] };

/** Takes what is said of a command and keeps nothing. */
const PASSED_OVER = {
  option: () => PASSED_OVER,
  alias: () => PASSED_OVER,
  example: () => PASSED_OVER,
  action: () => PASSED_OVER,
} as unknown as Command;

/**
 * Declares every command and option.
 *
 * @param word only the commands that begin with it, since every option is parsed as it is declared, and there are hundreds; all of them
 *   where none does
 */
export function declareCli(word?: string): CAC {
  const cli = declareCommands(word);
  return word === undefined || cli.commands.length > 0 ? cli : declareCommands(undefined);
}

function declareCommands(word: string | undefined): CAC {
  const cli = cac('bake-ts');
  const command: CAC['command'] = (name, ...rest) =>
    word === undefined || name.split(' ')[0] === word ? cli.command(name, ...rest) : PASSED_OVER;
  cli.option('-h, --help', 'Show this help');
  cli.option('--version', 'Show the version and the runtime');
  cli.option('-C, --directory <path>', 'Work as if started in this directory');
  cli.option('--color <auto|always|never>', 'Colour the output; auto heeds NO_COLOR and FORCE_COLOR');

  const run = command('run [...builds]', 'Build and push what has changed').alias('bake');
  mistrusting(overriding(fromFiles(selecting(run))))
    .option('--since <revision>', 'Only what changed since; main... is where it was left')
    .option('--force', 'Call buildctl even for what is unchanged; its cache still counts')
    .option('--watch', 'Then run again whenever something changes that the builds depend on')
    .option('--dry-run', 'Decide and say why, but build and push nothing')
    .option(
      '--print',
      'Of bake and Compose files: print what `docker buildx bake --print` prints, build nothing',
    )
    .option('-j, --jobs <number>', 'Builds at a time, 1 to 999; default: twice the processors')
    .option('--audit <part>', 'Build some of what is up to date to see that it is the same: 5% or a number')
    .option('--audit-seed <number>', 'Draw the same builds as the audit that printed this number')
    .option('--by-digest', 'Push by digest and move no tag: for platforms that `merge` joins')
    .option('--atomic', 'Move tags only when all builds succeeded, as with `publish: together`')
    .option('--fail-fast', 'Stop everything at the first failure, not only what depends on it')
    .option('--stall-timeout <duration>', 'End a build in which nothing moves for so long, e.g. 10m')
    .option(
      '--addr <address>',
      'Use this buildkitd, e.g. tcp://host:1234; several are a pool (may be repeated)',
      REPEATS,
    )
    .option(
      '--progress <auto|tty|plain|grouped|json|quiet>',
      'How to show progress; json: an event a line on stdout',
    )
    .option('--timestamps', 'With plain and grouped: each line starts with its time')
    .option('--notify', 'Let the terminal say so when a run of more than a minute ends')
    .option('--metadata-file <path>', 'Write references, tags and digests of every build as JSON')
    .option('--report <path>', 'Write a page of the run as one HTML file: timeline, graph, reasons, logs')
    .option('--trace <path>', 'Write a trace of the run, for ui.perfetto.dev and chrome://tracing')
    .option('--junit <path>', 'Write a JUnit report: a test case for each build')
    .option('--dotenv <path>', 'Write images by digest as variables for GitLab CI')
    .option(
      '--parents-from <path>',
      'Take needed builds as this --metadata-file of an earlier run says (may be repeated)',
      REPEATS,
    )
    .example('  bake-ts run                         the group "default", or everything')
    .example("  bake-ts run 'api-*' !api-legacy     by pattern, some left out")
    .example('  bake-ts run --set "*.args.MODE=prod" --platform linux/arm64')
    .action(lazily(() => import('./commands/run.ts')));

  const ofProject = (command: Command): Command =>
    command.option(
      '-f, --file <path>',
      'Of the project of this file, not of builds.yaml (may be repeated)',
      REPEATS,
    );
  const readRun = (words: readonly string[]) => readWords(declareCli('run'), 'run', words);
  ofProject(command('logs [build]', 'Show the log of a build of the last run, or of an earlier one'))
    .option('--run <id>', 'Of this run, as `bake-ts history` lists it; -1 is the last one, -2 the one before')
    .option('--follow', 'Go on until the build, or the run, is done')
    .example('  bake-ts logs                the builds of the last run, and how the one that failed ended')
    .example('  bake-ts logs api --run -2   of the run before')
    .example('  bake-ts logs --follow       all builds of the run that goes on')
    .action(async (args: ParsedArgs, io: Io) => {
      const { runCommand } = await import('./commands/logs.ts');
      return runCommand(args, io, readRun);
    });

  ofProject(command('history [build]', 'List the last runs, or what became of a build in them'))
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/history.ts')));

  ofProject(command('report', 'Write a page of a kept run as one HTML file, and print its path'))
    .option('--run <id>', 'Of this run, as `bake-ts history` lists it; -1 is the last one, -2 the one before')
    .option('-o, --output <path>', 'Write to this file, not beside what is kept of the run; - is stdout')
    .action(async (args: ParsedArgs, io: Io) => {
      const { runCommand } = await import('./commands/report.ts');
      return runCommand(args, io, readRun);
    });

  const plan = command('plan [...builds]', 'Show what would be built, in which order and why');
  mistrusting(overriding(fromFiles(selecting(plan))))
    .option('--json', 'The plan as JSON, for programs')
    .option('--tree', 'What needs what, as a tree')
    .option('--dot', 'The graph for Graphviz')
    .option('--html', 'The graph and the builds as a page, one HTML file')
    .option('--mermaid', 'The graph for Mermaid, which GitHub shows in Markdown')
    .option('--engines', 'Which engine of a pool each build goes to first, and then')
    .action(lazily(() => import('./commands/plan.ts')));

  const explain = command(
    'explain [...builds]',
    'Say why builds would run or are up to date, and what counts for them',
  );
  mistrusting(overriding(fromFiles(selecting(explain))))
    .option('--addr <address>', 'Look into the images of this buildkitd (may be repeated)', REPEATS)
    .option('--json', 'The same as JSON, for programs')
    .example('  bake-ts explain            a line or a few for each build')
    .example('  bake-ts explain api        everything about one')
    .action(lazily(() => import('./commands/explain.ts')));

  const affected = command(
    'affected [...builds]',
    'List the builds that changes since a git revision touch, for CI',
  );
  mistrusting(overriding(fromFiles(selecting(affected))))
    .option('--since <revision>', 'Commit, branch or tag to compare with; main... is where it was left')
    .option('--verbose', 'Also why each of them is')
    .option('--json', 'Names and reasons as JSON, for programs')
    .example('  bake-ts affected --since origin/main...')
    .example('  bake-ts affected --since HEAD~1 --json | jq -c "[.builds[].build]"')
    .action(lazily(() => import('./commands/affected.ts')));

  const pipeline = (command: Command, runner: string): Command =>
    overriding(fromFiles(selecting(command)))
      .option(
        '--package <address>',
        'Where jobs get bake-ts: the address of its tarball, or what else npm install takes',
      )
      .option('--runner <platform=where>', `${runner}; images are joined (may be repeated)`, REPEATS);
  const splitting = (command: Command): Command =>
    pipeline(command, 'Build a platform on runners with this label, e.g. linux/arm64=arm').option(
      '--split <level|build>',
      'level: jobs level by level, the default; build: one for each build, which waits for what it needs only',
    );
  splitting(command('ci github [...builds]', 'Print a workflow for GitHub Actions that follows the graph'))
    .option(
      '--action <ref>',
      'Install and start by this action, e.g. acme/bake-ts@v1.2.0, in place of --package',
    )
    .example(
      '  bake-ts ci github --package=https://files.example.com/bake-ts.tgz > .github/workflows/images.yml',
    )
    .action(lazily(() => import('./commands/ci-github.ts')));
  splitting(command('ci gitlab [...builds]', 'Print a .gitlab-ci.yml that follows the graph'))
    .example('  bake-ts ci gitlab --package=https://files.example.com/bake-ts.tgz > .gitlab-ci.yml')
    .action(lazily(() => import('./commands/ci-gitlab.ts')));
  const inPods = (command: Command): Command =>
    pipeline(
      command,
      'Build a platform with this engine, e.g. linux/arm64=tcp://arm:1234, or on nodes with this label',
    ).option('--name <name>', 'Name of the objects; default: images');
  inPods(command('ci argo [...builds]', 'Print a WorkflowTemplate for Argo Workflows that follows the graph'))
    .example('  bake-ts ci argo --package=https://files.example.com/bake-ts.tgz > images.yaml')
    .action(lazily(() => import('./commands/ci-argo.ts')));
  inPods(command('ci tekton [...builds]', 'Print a Task and a Pipeline for Tekton that follow the graph'))
    .example('  bake-ts ci tekton --package=https://files.example.com/bake-ts.tgz > images.yaml')
    .action(lazily(() => import('./commands/ci-tekton.ts')));

  const lock = command('lock [...builds]', 'Write the digests of external images to builds.lock');
  fromFiles(selecting(lock))
    .option('--check', 'Change nothing; end with 1 if the file is not what the builds need')
    .option('--json', 'What changed as JSON, for programs')
    .action(lazily(() => import('./commands/lock.ts')));

  const outdated = command('outdated', 'Compare builds.lock with what the tags stand for now');
  fromFiles(outdated)
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/outdated.ts')));

  const update = command('update [...images]', 'Move locked images to what their tags stand for now');
  fromFiles(update)
    .option('--json', 'What moved as JSON, for programs')
    .example('  bake-ts update              every image in builds.lock')
    .example("  bake-ts update 'node:*'     some of them, by pattern")
    .action(lazily(() => import('./commands/update.ts')));

  const verify = command('verify [...builds]', 'Build without cache and compare with what the tags hold');
  fromFiles(selecting(verify))
    .option('--push', 'Take every build as one that is pushed, whatever its `push` says')
    .option(
      '--ignore <glob>',
      'Paths of which no difference counts, e.g. /var/cache/** (may be repeated)',
      REPEATS,
    )
    .option('--strict', 'Count known noise, too: logs, caches, times in compiled Python')
    .option('--addr <address>', 'Use this buildkitd, e.g. tcp://host:1234 (may be repeated)', REPEATS)
    .option('--progress <auto|tty|plain|grouped|quiet>', 'How to show progress, on stderr')
    .option('--verbose', 'Every difference, also those that do not count')
    .option('--json', 'All that was found as JSON, for programs')
    .action(lazily(() => import('./commands/verify.ts')));

  const promote = command(
    'promote [...builds]',
    'Put all tags of a plan at another registry, by digest, all or none',
  );
  signingIn(fromFiles(selecting(promote)))
    .option(
      '--to <destination>',
      'REGISTRY or REGISTRY/PREFIX; FROM=TO exchanges what names begin with (may be repeated)',
      REPEATS,
    )
    .option('--push', 'Take every build as one that is pushed, whatever its `push` says')
    .option('--referrers', 'Also the signatures and SBOMs that refer to the images')
    .option('--dry-run', 'Ask the registries and say what would be done, but write nothing')
    .option('--json', 'What was done as JSON, for programs')
    .example('  bake-ts promote --to prod.example.com/live --var TAG=1.4')
    .example('  bake-ts promote api web --to ghcr.io/acme/staging=ghcr.io/acme/prod')
    .action(lazily(() => import('./commands/promote.ts')));

  const merge = command(
    'merge [...builds]',
    'Join platforms that were built apart, and move the tags of their builds',
  );
  signingIn(fromFiles(selecting(merge)))
    .option(
      '--from <path>',
      'What the runs of the platforms wrote with --metadata-file (may be repeated)',
      REPEATS,
    )
    .option('--push', 'Take every build as one that is pushed, whatever its `push` says')
    .option('--tag <ref>', 'Join images by reference, not builds, under this name (may be repeated)', REPEATS)
    .option('--dry-run', 'Ask the registries and say what would be done, but write nothing')
    .option('--metadata-file <path>', 'Write digests and tags as `run` does, for --parents-from')
    .option('--json', 'What was done as JSON, for programs')
    .example('  bake-ts merge api --from made/              what `run --by-digest` wrote into made/')
    .example('  bake-ts merge --tag ghcr.io/acme/api:1.4 ghcr.io/acme/api@sha256:… ghcr.io/acme/api@sha256:…')
    .action(lazily(() => import('./commands/merge.ts')));

  const list = command('list', 'List builds, groups and variables');
  mistrusting(fromFiles(list))
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/list.ts')));

  const validate = command('validate', 'Check builds.yaml: every problem at once');
  mistrusting(fromFiles(validate))
    .option('--format <text|lines|json|github>', 'lines: one each; github: beside the line in a PR')
    .action(lazily(() => import('./commands/validate.ts')));

  const lint = command('lint [...builds]', 'Check Dockerfiles by the rules of BuildKit; builds nothing');
  mistrusting(fromFiles(selecting(lint)))
    .option('--format <text|lines|json|github>', 'lines: one each; github: beside the line in a PR')
    .option('--strict', 'End with 1 for warnings, too; most findings are warnings')
    .option('--addr <address>', 'Ask this buildkitd, not the one found (may be repeated)', REPEATS)
    .action(lazily(() => import('./commands/lint.ts')));

  const print = command('print [...builds]', 'Print the builds with every value final');
  mistrusting(overriding(fromFiles(selecting(print))))
    .option('--show-sensitive', 'Also the values of sensitive variables')
    .option('--json', 'JSON instead of YAML')
    .action(lazily(() => import('./commands/print.ts')));

  const init = command('init', 'Propose a builds.yaml from a bake or Compose file, and Dockerfiles');
  init
    .option('-o, --output <path>', 'Write to this file, not builds.yaml; - is stdout')
    .option('--force', 'Write over a file that is there already')
    .action(lazily(() => import('./commands/init.ts')));

  const importing = command(
    'import [...files]',
    'Make a builds.yaml of a bake file (HCL, JSON) or Compose file',
  );
  importing
    .option('-o, --output <path>', 'Write to this file, not to stdout')
    .option('--force', 'Write over a file that is there already')
    .example('  bake-ts import docker-bake.hcl -o builds.yaml')
    .example('  bake-ts import compose.yaml -o builds.yaml')
    .action(lazily(() => import('./commands/import.ts')));

  command('schema', 'Print the JSON Schema of builds.yaml, for editors').action(
    lazily(() => import('./commands/schema.ts')),
  );

  command('completion <shell>', 'Print a script that completes commands in bash, zsh or fish')
    .example('  source <(bake-ts completion bash)                 in ~/.bashrc')
    .example('  source <(bake-ts completion zsh)                  in ~/.zshrc, after compinit')
    .example('  bake-ts completion fish | source                  in config.fish')
    .action(lazily(() => import('./commands/completion.ts')));

  const images = command('images', "List the images in the engine's store");
  images
    .option('--addr <address>', 'Ask this engine')
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/images.ts')));

  declareRegistry(command);
  declareEngine(command);
  return cli;
}

/** Commands on what lies in registries. A builds.yaml is read for its `registries:` only, where there is one. */
function declareRegistry(command: CAC['command']): void {
  const json = 'The same as JSON, for programs';
  const settings = (command: Command): Command =>
    signingIn(
      command.option(
        '-f, --file <path>',
        'Take registries: from this file, not builds.yaml (may be repeated)',
        REPEATS,
      ),
    );
  settings(command('inspect <ref>', 'Show what a registry has: platforms, sizes, labels, attestations'))
    .option('--json', json)
    .action(lazily(() => import('./commands/inspect.ts')));
  settings(command('digest <ref>', 'Print the digest of an image, to pin it or compare it'))
    .example('  bake-ts digest ghcr.io/acme/api:1.4')
    .action(lazily(() => import('./commands/digest.ts')));
  settings(command('tag <ref> <...newrefs>', 'Give an image more names, without pulling or building it'))
    .option('--json', json)
    .example('  bake-ts tag ghcr.io/acme/api:1.4 :stable        beside it')
    .example('  bake-ts tag ghcr.io/acme/api:1.4 ghcr.io/acme/api-prod:1.4')
    .action(lazily(() => import('./commands/tag.ts')));
  settings(command('copy <from> <to>', 'Copy an image to another registry, all platforms, same digest'))
    .option('--referrers', 'Also the signatures and SBOMs that refer to it')
    .option('--json', json)
    .example('  bake-ts copy staging.acme.dev/api:1.4 ghcr.io/acme/api:1.4')
    .action(lazily(() => import('./commands/copy.ts')));
  const push = command(
    'push <what> [...more]',
    'Push what is there: builds, images of the engine, OCI layouts',
  );
  signingIn(fromFiles(push))
    .option('--filter <axis=value>', 'Only these rows of matrices (may be repeated)', REPEATS)
    .option('--addr <address>', 'Take images from this engine')
    .option('--json', json)
    .example('  bake-ts push api web                            builds, to their tags')
    .example('  bake-ts push ghcr.io/acme/api:1.4               an image of the engine, by its name')
    .example('  bake-ts push localhost:5000/api:1 ghcr.io/acme/api:1.4')
    .example('  bake-ts push ./out/image.tar ghcr.io/acme/api:1.4')
    .action(lazily(() => import('./commands/push.ts')));
}

function declareEngine(command: CAC['command']): void {
  fromSources(
    command(
      'engine install',
      'Install containerd, buildkitd, buildctl and runc in a folder of our own',
    ).option('--registry', 'Also a registry, to try pushing with'),
  )
    .option('--force', 'Install again what is there already')
    .action(lazily(() => import('./commands/engine-install.ts')));
  fromSources(
    command('engine upgrade', 'Upgrade the engine to what this bake-ts is made for; its state stays'),
  )
    .option('--check', 'Only compare what is installed with what it should be')
    .option('--restart', 'Change a running engine over though it builds')
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/engine-upgrade.ts')));
  command('engine up', 'Start the engine; harmless where it runs already')
    .option('--registry', 'Also a local registry, on port 5000')
    .option('--registry-port <number>', 'The same on another port')
    .option('--json', 'What runs as JSON, for programs')
    .action(lazily(() => import('./commands/engine-up.ts')));
  command('engine down', 'Stop the engine; images and cache stay').action(
    lazily(() => import('./commands/engine-down.ts')),
  );
  command('engine rm', 'Stop the engine and remove its images, cache and logs from the disk')
    .option('--programs', 'Also what `engine install` has installed')
    .option('-y, --yes', 'Do not ask')
    .action(lazily(() => import('./commands/engine-rm.ts')));
  command('engine status', 'Show which engine a run would use, what is installed and what runs')
    .option('--addr <address>', 'Ask this engine (may be repeated)', REPEATS)
    .option('--disk', 'Also count the bytes on disk, which takes a while')
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/engine-status.ts')));
  const json = 'The same as JSON, for programs';
  fromFiles(command('engine du', 'Show what the engine of a run keeps, by kind and by build'))
    .option('--addr <address>', 'Ask this engine')
    .option('--json', json)
    .action(lazily(() => import('./commands/engine-du.ts')));
  fromFiles(command('engine prune', 'Let go of what the engine of a run keeps and no build needs'))
    .option('--addr <address>', 'Ask this engine')
    .option('--keep <size>', 'Of the cache, keep so much: what was used last, e.g. 10GB')
    .option('--older <duration>', 'Of the cache, let go of nothing that was used within that time, e.g. 7d')
    .option('--all', 'Also what BuildKit keeps for itself, and what images share with the cache')
    .option('--images', 'Remove images of builds here that builds.yaml no longer names')
    .option('--gone', 'Remove what is left of builds and checkouts that are gone')
    .option('--dry-run', 'Show what would go, and let go of nothing')
    .option('-y, --yes', 'Do not ask')
    .option('--json', json)
    .example('  bake-ts engine prune --keep 10GB                of the cache, all but 10 GB')
    .example('  bake-ts engine prune --older 7d                 what was not used for a week')
    .example('  bake-ts engine prune --images --gone --dry-run  what nobody needs any more')
    .action(lazily(() => import('./commands/engine-prune.ts')));
  command('engine doctor', 'Check whether this machine can run an engine, and say what to do')
    .option('--addr <address>', 'A run would use this engine (may be repeated)', REPEATS)
    .option('--json', 'The same as JSON, for programs')
    .action(lazily(() => import('./commands/engine-doctor.ts')));
  command('engine service <kind>', 'Print what keeps an engine running: systemd, systemd-user or kubernetes')
    .option('--rootless', 'Of kubernetes: a buildkitd without privileges')
    .example('  bake-ts engine service systemd | sudo tee /etc/systemd/system/bake-ts-engine.service')
    .action(lazily(() => import('./commands/engine-service.ts')));
  command('engine logs [daemon]', 'Show the end of the logs of containerd, buildkitd or registry')
    .option('-n, --lines <number>', 'How many lines of each; default: 50')
    .action(lazily(() => import('./commands/engine-logs.ts')));
}

/** Where programs of the engine come from. */
function fromSources(command: Command): Command {
  return command
    .option(
      '--from <path|release|go|debian>',
      'Take everything from this source; default: the first that has it',
    )
    .option('--mirror <url>', 'Ask this host instead of the one of the official releases')
    .option(
      '--file <package=path>',
      'Take this release file, e.g. buildkit=b.tar.gz (may be repeated)',
      REPEATS,
    )
    .option(
      '--checksum <package=sha256>',
      'Expect this checksum instead of the pinned one (may be repeated)',
      REPEATS,
    );
}

/** The action of a command whose file is loaded when it is called. */
function lazily(load: () => Promise<CommandModule>) {
  return async (args: ParsedArgs, io: Io): Promise<ExitCode> => (await load()).runCommand(args, io);
}

/** Options of every command that reads builds.yaml. */
function fromFiles(command: Command): Command {
  return command
    .option('-f, --file <path>', 'Read this file, not builds.yaml; repeat to overlay; - is stdin', REPEATS)
    .option('--var <NAME=value>', 'Set a variable (may be repeated)', REPEATS)
    .option('--var-file <path>', 'Read variables from a .env, YAML or JSON file (may be repeated)', REPEATS)
    .option('--set <PATTERN.key=value>', 'Override a key of builds; += appends (may be repeated)', REPEATS)
    .option(
      '--allow <grant>',
      'What leaves the repository: read:PATH, network.host, … (may be repeated)',
      REPEATS,
    );
}

/** For commands that can do something useful with files of a stranger. */
function mistrusting(command: Command): Command {
  return command.option('--untrusted', 'For files of a stranger: no code, no credentials, nothing pushed');
}

/** Options of every command that may be given a name and a password for the registry it is about. */
function signingIn(command: Command): Command {
  return command
    .option('-u, --username <name>', 'Sign in to the registry of the target as this user')
    .option('--password-stdin', 'Read the password of --username from standard input');
}

/** Options of every command that selects builds. */
function selecting(command: Command): Command {
  return command
    .option('--filter <axis=value>', 'Only these rows of matrices (may be repeated)', REPEATS)
    .option('--dependents', 'Also everything that needs a selected build');
}

/** Options that override every build; they are one with `--set`, so `plan` and `print` show what they do. */
function overriding(command: Command): Command {
  return command
    .option('--push', 'Push every requested build, whatever its `push` says')
    .option('--no-push', 'Push nothing, to see first whether all of it builds')
    .option('--platform <os/arch>', 'Build for this platform instead (may be repeated)', REPEATS)
    .option('--pull', 'Ask the registry for base images even where the engine has them')
    .option('--no-cache', 'Run every step anew, for what the cache cannot see')
    .option('--provenance <true|false|mode=max|…>', 'Attest how each build is made, or not')
    .option('--sbom <true|false|generator=…>', 'Attest what is in each image, or not');
}
