/** A pipeline as a GitHub Actions workflow. */
import { groupJobs } from './pipeline-jobs.ts';
import type { Pipeline, PipelineJob, PipelineLimits } from './pipeline-model.ts';
import {
  bakeTs,
  comment,
  heading,
  indented,
  list,
  type PipelineSettings,
  packageVariable,
  platformWords,
  scalar,
  scalarLine,
  secretNames,
  shellWords,
} from './pipeline-text.ts';

/** A matrix may have 256 jobs; the same number is used for the workflow. GitHub has no limit for `needs`. */
export const GITHUB_LIMITS: PipelineLimits = { jobsOfLevel: 256, jobs: 256, needs: 256 };

/** Actions of others with their full version, because a tag like `v6` moves. */
const ACTIONS = {
  checkout: 'actions/checkout@v6.0.2',
  upload: 'actions/upload-artifact@v7.0.1',
  download: 'actions/download-artifact@v8.0.1',
  login: 'docker/login-action@v4.6.0',
};

/** Settings that only workflows have. */
export interface GithubSettings extends PipelineSettings {
  /**
   * `OWNER/REPOSITORY@VERSION` of the action that installs bake-ts and starts the engine; undefined: the workflow has
   * its own steps for this.
   */
  readonly action?: string;
}

/** Prints the workflow. Equal input, equal output. */
export function printGithub(pipeline: Pipeline, settings: GithubSettings): string {
  const jobs = [
    pullRequest(settings),
    ...(pipeline.split === 'build' ? byBuild(pipeline, settings) : byLevel(pipeline, settings)),
    updateLock(settings),
  ];
  return escapeReading(`${heading('ci github', pipeline, settings)}
name: Images

on:
  push:
    branches: [${literal(scalar(settings.branch))}]
  pull_request:
  schedule:
    - cron: "17 3 * * *" # full hours are crowded
  workflow_dispatch:

# Each job requests what it needs.
permissions: {}

# Pushes to a branch run one after the other, so that tags never move back to an older commit; of a pull request only
# the latest state is built.
concurrency:
  group: \${{ github.workflow }}-\${{ github.event_name == 'schedule' && 'nightly' || github.ref }}
  cancel-in-progress: \${{ github.event_name == 'pull_request' }}

${settings.action === undefined ? `env:\n${literal(packageVariable(settings, 2))}\n\n` : ''}jobs:
${jobs.join('\n\n')}
`);
}

/** Stands for `${{` in texts from elsewhere, which GitHub must not read as an expression. */
const MARK = '\u0000';

function literal(text: string): string {
  return text.replaceAll('${{', MARK);
}

function escapeReading(text: string): string {
  return text.replaceAll(MARK, "${{ '${{' }}");
}

/** A bake-ts call as a line of a script. */
function call(settings: PipelineSettings, command: string, ...rest: readonly string[]): string {
  return literal(bakeTs(settings, command, ...rest));
}

/** A bake-ts call as a whole `run:`. */
function lone(settings: PipelineSettings, ...rest: readonly string[]): string {
  return literal(scalarLine(bakeTs(settings, 'run', ...rest)));
}

/** Installs before the checkout, so that no `.npmrc` or `node_modules` of the repository applies. */
function setup({ action, buildkit }: GithubSettings, takesEngine = true): string {
  if (action !== undefined)
    return `      - uses: ${literal(scalar(action))}
        with:
          run: false # only installs and starts the engine`;
  return `      - name: Install bake-ts
        working-directory: \${{ runner.temp }}
        run: |
          npm install --no-save --prefix "$RUNNER_TEMP/bake-ts" -- "$BAKE_TS_PACKAGE"
          echo "$RUNNER_TEMP/bake-ts/node_modules/.bin" >> "$GITHUB_PATH"${
            takesEngine
              ? `
      - name: Start BuildKit
        working-directory: \${{ runner.temp }}
        run: |
${indented(startBuildkit(buildkit), 10)}`
              : ''
          }`;
}

/** A container of BuildKit's image, with its socket in a directory of the job, and with the host's network, as RUN has it elsewhere. */
export function startBuildkit(version: string): string {
  return `if [ -n "\${BUILDKIT_HOST:-}" ]; then exit 0; fi # the runner has an engine
docker run --detach --privileged --network host --name bake-ts-buildkitd \\
  --volume "$RUNNER_TEMP/buildkit:/run/buildkit" moby/buildkit:v${version} --group "$(id -g)"
docker cp bake-ts-buildkitd:/usr/bin/buildctl "$RUNNER_TEMP/buildctl"
address="unix://$RUNNER_TEMP/buildkit/buildkitd.sock"
{
  echo "BUILDKIT_HOST=$address"
  echo "BUILDCTL=$RUNNER_TEMP/buildctl"
} >> "$GITHUB_ENV"
for _ in $(seq 300); do
  if "$RUNNER_TEMP/buildctl" --addr "$address" debug workers > /dev/null 2>&1; then exit 0; fi
  sleep 0.2
done
docker logs bake-ts-buildkitd
exit 1`;
}

function pullRequest(settings: GithubSettings): string {
  const selected = shellWords(settings.selecting);
  const trust = `\${{ github.event.pull_request.head.repo.full_name == github.repository && '--no-push' || '--untrusted' }}`;
  const why = settings.hasCode
    ? 'For forks, `--untrusted` runs no code: a builds.yaml that is or includes a program is refused.'
    : 'For forks, `--untrusted` runs no code of builds.yaml and hides variables whose names look like secrets.';
  return `${comment('Pull requests, also of forks: no secrets, no pushes, no records. One job, since builds read each other from its engine.', 2)}
  pull-request:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    timeout-minutes: 60
    permissions:
      contents: read
    steps:
${setup(settings)}
      - uses: ${ACTIONS.checkout}
        with:
          fetch-depth: 0 # for the commit where the branch started
          persist-credentials: false # no token in .git/config
      - name: Build what the pull request changes
        env:
${comment(why, 10)}
          TRUST: ${trust}
        run: ${lone(settings, selected, '"$TRUST" --since "origin/$GITHUB_BASE_REF..."')}`;
}

/** One job per level, with a matrix; for split platforms one per runner, and one that merges. */
function byLevel(pipeline: Pipeline, settings: GithubSettings): readonly string[] {
  const groupOf = new Map(pipeline.levels.flat().map(({ id, group }) => [id, group]));
  return pipeline.levels.flatMap((jobs, at) =>
    [...groupJobs(jobs)].map(([group, [first, ...others]], place) => {
      const needs = [...new Set(first.needs.map((id) => groupOf.get(id) ?? ''))];
      const isMerge = first.kind === 'merge';
      const matrix = [first, ...others].map(({ builds }) => builds.join(' '));
      const spread = `
    strategy:
      fail-fast: false # builds that do not need the failed one continue
      matrix:
        builds:${list(matrix, 10)}`;
      return `${at === 0 && place === 0 ? `${comment(LEVELS, 2)}\n` : ''}  ${group}:
    name: ${isMerge ? group : '${{ matrix.builds }}'}
    if: ${PUSHED}${needs.length === 0 ? '' : `\n    needs:${list(needs, 6)}`}${isMerge ? '' : spread}
${building(pipeline, settings, first, {
  builds: isMerge ? first.builds.join(' ') : '${{ matrix.builds }}',
  artifact: isMerge ? group : `${group}-\${{ strategy.job-index }}`,
})}`;
    }),
  );
}

const LEVELS =
  'Commits: level by level; a level starts when the level before is pushed. Jobs get the digests of their parents from the results of earlier jobs.';
const DAG =
  'Commits: a job for each build, which starts when its dependencies are pushed. It gets their digests from the results of earlier jobs.';
const PUSHED = "github.event_name == 'push' || github.event_name == 'workflow_dispatch'";

function byBuild(pipeline: Pipeline, settings: GithubSettings): readonly string[] {
  return pipeline.levels.flat().map((job, at) => {
    const { id, needs, kind, platforms } = job;
    const builds = job.builds.join(' ');
    const name = kind === 'build' ? builds : `${builds} (${kind === 'merge' ? kind : platforms.join(', ')})`;
    return `${at === 0 ? `${comment(DAG, 2)}\n` : ''}  ${id}:
    name: ${scalar(name)}
    if: ${PUSHED}${needs.length === 0 ? '' : `\n    needs:${list(needs, 6)}`}
${building(pipeline, settings, job, { builds, artifact: id })}`;
  });
}

interface Building {
  /** Names separated by spaces, or the expression for them. */
  readonly builds: string;
  /** Name of its artifact, unique in a run. */
  readonly artifact: string;
}

function building(
  { registries, levels }: Pipeline,
  settings: GithubSettings,
  job: PipelineJob,
  { builds, artifact }: Building,
): string {
  const packages = registries.includes('ghcr.io') ? '\n      packages: write # to push to ghcr.io' : '';
  const isRead = levels.length > 1 || job.kind !== 'build';
  const isMerge = job.kind === 'merge';
  const runner = job.where === undefined ? ' ubuntu-latest' : literal(list(job.where.split(','), 6));
  return `    runs-on:${runner}
    timeout-minutes: ${isMerge ? 15 : 120}
    permissions:
      contents: read${packages}
    steps:
${setup(settings, !isMerge)}
      - uses: ${ACTIONS.checkout}
        with:
          persist-credentials: false
${logins(registries)}${job.takes.length > 0 ? download(`${isMerge ? PART : MADE}*`) : ''}      - name: ${isMerge ? 'Join the platforms' : 'Build and push'}
        env:
          BUILDS: ${builds.startsWith('$') ? builds : scalar(builds)}${isRead ? `\n          ARTIFACT: ${artifact}` : ''}
          BAKE_TS_RECORD_KEY: \${{ secrets.BAKE_TS_RECORD_KEY }} # optional; signs records
        run: |
${indented(bakeLines(job, settings, isRead).join('\n'), 10)}${
  isRead
    ? `
      - uses: ${ACTIONS.upload}
        with:
          name: ${job.kind === 'platform' ? PART : MADE}${artifact}
          path: \${{ runner.temp }}/made/${artifact}.json
          overwrite: true # when the job runs again
          retention-days: 1`
    : ''
}`;
}

/** Prefix of the artifacts with results for dependent and merging jobs. */
const MADE = 'bake-ts-';
const PART = 'platform-';

function download(pattern: string): string {
  return `      - uses: ${ACTIONS.download}
        with:
          pattern: ${pattern}
          path: \${{ runner.temp }}/parents
          merge-multiple: true
`;
}

function bakeLines(
  { kind, platforms, takes }: PipelineJob,
  settings: GithubSettings,
  isRead: boolean,
): readonly string[] {
  const parents = takes.length > 0 ? ' --parents-from "$RUNNER_TEMP/parents"' : '';
  const made = isRead ? ' --metadata-file "$RUNNER_TEMP/made/$ARTIFACT.json"' : '';
  const words = `"\${builds[@]}"${platformWords({ kind, platforms })}`;
  return [
    'read -ra builds <<< "$BUILDS"',
    ...(isRead ? ['mkdir -p "$RUNNER_TEMP/made"'] : []),
    kind === 'merge'
      ? call(settings, 'merge', `${words} --from "$RUNNER_TEMP/parents"${made}`)
      : call(settings, 'run', `${words}${parents}${made}`),
  ];
}

function logins(registries: readonly string[]): string {
  const names = secretNames(registries);
  return registries
    .map((host) => {
      if (host === 'ghcr.io')
        return `      - uses: ${ACTIONS.login}
        with:
          registry: ghcr.io
          username: \${{ github.actor }}
          password: \${{ github.token }}
`;
      const secret = names.get(host) ?? '';
      return `      - uses: ${ACTIONS.login}
        with:
          registry: ${scalar(host)}
          username: \${{ secrets.${secret}_USERNAME }}
          password: \${{ secrets.${secret}_PASSWORD }}
`;
    })
    .join('');
}

function updateLock(settings: GithubSettings): string {
  const { lockFile, branch } = settings;
  const lock = literal(shellWords([lockFile]));
  return `${comment('Nightly: updates builds.lock to the current digests of base images, builds everything, and opens a pull request. It needs the setting "Allow GitHub Actions to create and approve pull requests". A pull request of this token starts no workflow, so it is built here.', 2)}
  update-lock:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 120
    permissions:
      contents: write
      pull-requests: write
    steps:
${setup(settings)}
      - uses: ${ACTIONS.checkout}
        with:
          persist-credentials: false
      - name: Move builds.lock
        id: lock
        run: |
          ${call(settings, 'lock')}
          if [ -e ${lock} ]; then ${call(settings, 'update')}; fi
          if [ -n "$(git status --porcelain -- ${lock})" ]; then echo moved=true >> "$GITHUB_OUTPUT"; fi
      - name: Build with it
        if: steps.lock.outputs.moved
        run: ${lone(settings, shellWords(settings.selecting), '--no-push')}
      - name: Open a pull request
        if: steps.lock.outputs.moved
        env:
          GH_TOKEN: \${{ github.token }}
        run: |
          git switch --force-create bake-ts/update-lock
          git add -- ${lock}
          git -c user.name='github-actions[bot]' \\
            -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \\
            commit --message 'Move base images'
          gh auth setup-git
          git push --force origin bake-ts/update-lock
          if [ "$(gh pr list --head bake-ts/update-lock --json number --jq length)" = 0 ]; then
            gh pr create --head bake-ts/update-lock --base ${literal(shellWords([branch]))} \\
              --title 'Move base images' --body 'Current digests of base images. All images were built with them.'
          fi`;
}
