/** Commands that print pipelines for CI systems. */
import type { Command } from 'cac';
import { type Declare, fromFiles, lazily, overriding, REPEATS, selecting } from './shared.ts';

/** `ci github`, `ci gitlab`, `ci argo`, `ci tekton`. */
export function declarePipelines(command: Declare): void {
  splitting(command('ci github [...builds]', 'Print a workflow for GitHub Actions', 'ci'))
    .option(
      '--action <ref>',
      'Install bake-ts with this action instead of --package, e.g. acme/bake-ts@v1.2.0',
    )
    .example(
      '  bake-ts ci github --package=https://files.example.com/bake-ts.tgz > .github/workflows/images.yml',
    )
    .action(lazily(() => import('../commands/ci-github.ts')));
  splitting(command('ci gitlab [...builds]', 'Print a .gitlab-ci.yml', 'ci'))
    .example('  bake-ts ci gitlab --package=https://files.example.com/bake-ts.tgz > .gitlab-ci.yml')
    .action(lazily(() => import('../commands/ci-gitlab.ts')));
  inPods(
    command(
      'ci argo [...builds]',
      'Print a WorkflowTemplate for Argo Workflows',
      'ci#argo-workflows-and-tekton',
    ),
  )
    .example('  bake-ts ci argo --package=https://files.example.com/bake-ts.tgz > images.yaml')
    .action(lazily(() => import('../commands/ci-argo.ts')));
  inPods(
    command(
      'ci tekton [...builds]',
      'Print a Task and a Pipeline for Tekton',
      'ci#argo-workflows-and-tekton',
    ),
  )
    .example('  bake-ts ci tekton --package=https://files.example.com/bake-ts.tgz > images.yaml')
    .action(lazily(() => import('../commands/ci-tekton.ts')));
}

function pipeline(command: Command, runner: string): Command {
  return overriding(fromFiles(selecting(command)))
    .option(
      '--package <address>',
      'Where jobs install bake-ts from: a tarball address, or what npm install takes',
    )
    .option('--runner <platform=where>', `${runner} (may be repeated)`, REPEATS);
}

function splitting(command: Command): Command {
  return pipeline(command, 'Build a platform on runners with this label, e.g. linux/arm64=arm').option(
    '--split <level|build>',
    'level: jobs level by level (default); build: a job per build that waits only for its dependencies',
  );
}

function inPods(command: Command): Command {
  return pipeline(
    command,
    'Build a platform on an engine, linux/arm64=tcp://arm:1234, or on nodes with this label',
  ).option('--name <name>', 'Name of the objects; default: images');
}
