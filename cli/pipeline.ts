/** Shared by the commands that print pipelines: from arguments to jobs and settings. */
import path from 'node:path';
import {
  type Pipeline,
  type PipelineLimits,
  type PipelineSettings,
  planPipeline,
  type Runner,
  type Split,
} from '../lib/ci/mod.ts';
import {
  createHider,
  fail,
  formatPlatform,
  HIDDEN,
  hideInOption,
  ok,
  type Plan,
  type Problem,
  parsePlatform,
  problem,
  type Result,
} from '../lib/model/mod.ts';
import { defaultBranch } from '../lib/since/mod.ts';
import { repositoryOf } from '../lib/system/mod.ts';
import { VERSION } from '../lib/util/version.ts';
import { listOf, type ParsedArgs, textOf } from './args.ts';
import type { ExitCode } from './exit-codes.ts';
import { overridesOf } from './inputs.ts';
import type { Io } from './io.ts';
import { reportProblems } from './output.ts';
import { planSelected } from './planned.ts';

/** A pipeline and the settings to print it with. */
interface Planned {
  readonly pipeline: Pipeline;
  readonly settings: PipelineSettings;
}

/** The properties of a CI system. */
interface System {
  readonly limits: PipelineLimits;
  /** How builds are split into jobs; absent: as in --split. */
  readonly split?: Split;
  /** What --runner contains. `labels`: labels of runners. `pods`: the address of an engine, or labels of nodes with values. */
  readonly runners: 'labels' | 'pods';
}

/** Plans the requested builds, prints them as a pipeline to stdout, and prints notes to stderr. */
export async function printPipeline(
  args: ParsedArgs,
  io: Io,
  system: System,
  print: (planned: Planned) => string,
): Promise<ExitCode> {
  const split = system.split === undefined ? readSplit(args) : ok(system.split);
  if (!split.ok) return reportProblems(split.error, args, io);
  const runners = readRunners(args, system);
  if (!runners.ok) return reportProblems(runners.error, args, io);
  const source = readPackage(args);
  if (!source.ok) return reportProblems(source.error, args, io);
  const planned = await planSelected(args, io);
  if (!planned.ok) return reportProblems(planned.error, args, io);
  const { plan, warnings, missing } = planned.value;
  const { limits } = system;
  const pipeline = planPipeline(plan, { split: split.value, limits, runners: runners.value });
  const secrets = findSecrets(args, plan, pipeline);
  if (secrets.length > 0) return reportProblems(secrets, args, io);
  const code = reportProblems([...warnings, ...missing, ...pipeline.notes.map(noteProblem)], args, io);
  // Unreadable files lack dependencies, so jobs would be in the wrong order.
  if (missing.some((one) => one.severity === 'error')) return code;
  const { PACKAGES } = await import('../lib/engine/mod.ts');
  const top = repositoryOf(path.resolve(io.cwd));
  const settings: PipelineSettings = {
    version: VERSION,
    package: source.value,
    buildkit: PACKAGES.find(({ name }) => name === 'buildkit')?.version ?? '',
    branch: (await defaultBranch(io.cwd, io.env)) ?? 'main',
    directory: slashed(path.relative(top, io.cwd)),
    reading: readingWords(args),
    selecting: selectingWords(args),
    lockFile: slashed(path.relative(top, path.join(plan.set.root, 'builds.lock'))),
    hasCode: plan.set.files.some((file) => /\.[cm]?[jt]s$/.test(file)),
    variables: [...plan.set.variables.values()].flatMap(({ origin }) =>
      origin.kind === 'env' ? origin.variable : [],
    ),
  };
  io.stdout.write(print({ pipeline, settings }));
  return code;
}

function readSplit(args: ParsedArgs): Result<Split> {
  const written = textOf(args, 'split') ?? 'level';
  if (written === 'level' || written === 'build') return ok(written);
  return fail([
    problem('cli/bad-value', `--split cannot be "${written}"`, {
      hint: 'Use level (jobs level by level) or build (a job for each build).',
    }),
  ]);
}

/** A node label of Kubernetes with its value (RFC 1123; with an optional prefix). */
const NODE_LABEL = /^(?:[a-z0-9.-]+\/)?[A-Za-z0-9][\w.-]{0,62}=[A-Za-z0-9][\w.-]{0,62}$/;
/** The address of an engine that pods can reach. */
const ENGINE_ADDRESS = /^(?:tcp|ssh|unix|kube-pod):\/\/[\w@:./?&=%+~-]+$/;

/** `--runner PLATFORM=WHERE`, once for each platform. */
function readRunners(args: ParsedArgs, { runners: kind }: System): Result<readonly Runner[]> {
  const runners: Runner[] = [];
  const problems: Problem[] = [];
  for (const written of listOf(args, 'runner')) {
    const equals = written.indexOf('=');
    const platform = parsePlatform(equals === -1 ? written : written.slice(0, equals));
    const where = equals === -1 ? '' : written.slice(equals + 1);
    const name = platform === undefined ? '' : formatPlatform(platform);
    if (platform === undefined || !isPlace(where, kind))
      problems.push(
        problem('cli/bad-value', `--runner cannot be "${written}"`, {
          hint:
            kind === 'labels'
              ? '--runner linux/arm64=LABEL, what the runner is known by; several with commas'
              : '--runner linux/arm64=tcp://HOST:PORT, an engine with that platform, or =kubernetes.io/arch=arm64, labels of nodes (with commas)',
        }),
      );
    else if (runners.some((one) => one.platform === name))
      problems.push(
        problem('cli/conflict', `--runner is given twice for ${name}`, { hint: 'Give it once.' }),
      );
    else runners.push({ platform: name, where });
  }
  return problems.length > 0 ? fail(problems) : ok(runners);
}

function isPlace(where: string, kind: System['runners']): boolean {
  const parts = where.split(',');
  // Labels contain no line breaks or control characters, which would break the file.
  if (kind === 'labels') return parts.every((one) => /^[^\p{C}\p{Z}$][^\p{C}\p{Zl}\p{Zp}$]*$/u.test(one));
  return ENGINE_ADDRESS.test(where) || parts.every((one) => NODE_LABEL.test(one));
}

/** The name of the objects in Kubernetes; default `images`. */
export function readName(args: ParsedArgs): Result<string> {
  const name = textOf(args, 'name') ?? 'images';
  if (/^[a-z0-9](?:[a-z0-9-]{0,50}[a-z0-9])?$/.test(name)) return ok(name);
  return fail([
    problem('cli/bad-value', `--name cannot be "${name}"`, {
      hint: 'Use at most 52 lower-case letters, digits and `-`: names of pods begin with it.',
    }),
  ]);
}

/** Where jobs get bake-ts; empty with an action, which includes it. No default, because no address works everywhere. */
function readPackage(args: ParsedArgs): Result<string> {
  const given = textOf(args, 'package');
  const isAction = textOf(args, 'action') !== undefined;
  if (given !== undefined && isAction)
    return fail([
      problem('cli/conflict', '--action and --package both say where jobs get bake-ts', {
        hint: 'Give one of them.',
      }),
    ]);
  if (given === undefined)
    return isAction
      ? ok('')
      : fail([
          problem('cli/no-package', 'jobs need to know where to get bake-ts', {
            hint: `Give --package=ADDRESS: the address of bake-ts-${VERSION}.tgz (made by npm pack), or anything that npm install accepts.`,
          }),
        ]);
  // A path would be on the runner, before the checkout. `$` starts a variable in GitLab.
  if (/^(?:https?:\/\/|git\+|\/|@?[\w])[\w@:./+%?&=#~^-]*$/.test(given)) return ok(given);
  return fail([
    problem('cli/bad-value', `--package cannot be "${given}"`, {
      hint: `Use an address (https://files.example.com/bake-ts-${VERSION}.tgz), an absolute path, or NAME@VERSION in a package registry of yours.`,
    }),
  ]);
}

function noteProblem({ text, hint }: Pipeline['notes'][number]): Problem {
  return problem('plan/pipeline', text.replace(/\.$/, ''), { severity: 'warning', hint });
}

/** Arguments that would put a secret into the file, which will be committed. */
function findSecrets(args: ParsedArgs, plan: Plan, { registries }: Pipeline): readonly Problem[] {
  const hider = createHider(plan.set.variables);
  const words = [
    ...readingWords(args),
    ...selectingWords(args),
    ...listOf(args, 'action'),
    ...listOf(args, 'package'),
    ...listOf(args, 'runner'),
    ...registries,
  ];
  return [...new Set(words)].flatMap((word) => {
    const shown = hideInOption(word, hider);
    if (shown === word) return [];
    const [name = ''] = word.split('=', 1);
    const isVariable = plan.set.variables.has(name) && shown === `${name}=${HIDDEN}`;
    return problem('cli/pipeline-secret', `the pipeline would contain a secret: ${shown}`, {
      hint: isVariable
        ? `Leave it out, and set ${name} in the environment of the jobs from a secret of the CI system.`
        : 'Leave it out. Set it in the environment of the jobs from a secret of the CI system, and read it with a variable of builds.yaml that has `sensitive: true`.',
    });
  });
}

/** The arguments that select builds. */
function selectingWords(args: ParsedArgs): readonly string[] {
  return [...args.positionals, ...listOf(args, 'filter').flatMap((one) => ['--filter', one])];
}

/** The options for reading builds.yaml, for each bake-ts call in the pipeline. */
function readingWords(args: ParsedArgs): readonly string[] {
  const repeated = ['file', 'var', 'var-file', 'allow'].flatMap((name) =>
    listOf(args, name).flatMap((value) => [`--${name}`, value]),
  );
  return [...repeated, ...overridesOf(args).flatMap((one) => ['--set', one])];
}

function slashed(file: string): string {
  return file.split(path.sep).join('/');
}
