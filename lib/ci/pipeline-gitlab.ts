/** A pipeline as a `.gitlab-ci.yml`. */
import { groupJobs } from './pipeline-jobs.ts';
import type { Pipeline, PipelineJob, PipelineLimits } from './pipeline-model.ts';
import {
  bakeTs,
  comment,
  heading,
  list,
  type PipelineSettings,
  packageVariable,
  platformWords,
  scalar,
  scalarLine,
  shellWords,
} from './pipeline-text.ts';

/** `parallel:matrix` allows 200 jobs, `needs` 50; gitlab.com's free tier has 500 active jobs. */
export const GITLAB_LIMITS: PipelineLimits = { jobsOfLevel: 200, jobs: 450, needs: 50 };

/** Where jobs pass on results, only for the moment between jobs, because files in the checkout may be in a context. */
const KEPT = '.bake-ts';

const JUNIT = '--junit "$BAKE_TS_MADE/$CI_JOB_ID.xml"';

/** Prints the file. Equal input, equal output. */
export function printGitlab(pipeline: Pipeline, settings: PipelineSettings): string {
  const isByBuild = pipeline.split === 'build';
  const stages = isByBuild
    ? ['build']
    : pipeline.levels.flatMap((jobs, at) => [
        `level-${at}`,
        ...(jobs.some(({ kind }) => kind === 'merge') ? [`merge-${at}`] : []),
      ]);
  const jobs = [
    base(hasKind(pipeline, 'platform')),
    mergeRequest(settings),
    pushing(pipeline, settings),
    ...(hasKind(pipeline, 'platform') ? [splitting(pipeline, settings), merging(pipeline, settings)] : []),
    ...(isByBuild ? byBuild(pipeline) : byLevel(pipeline)),
    updateLock(settings),
  ];
  return `${heading('ci gitlab', pipeline, settings)}
workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH

variables:
${packageVariable(settings, 2)}

stages:${list(['check', ...stages, 'update'], 2)}

${jobs.join('\n\n')}
`;
}

function hasKind({ levels }: Pipeline, wanted: PipelineJob['kind']): boolean {
  return levels.some((jobs) => jobs.some(({ kind }) => kind === wanted));
}

function base(hasParts: boolean): string {
  const parts = hasParts
    ? `\n    - mkdir -p ${KEPT}/parts && cp "$BAKE_TS_MADE"/parts/*.json ${KEPT}/parts/ || true`
    : '';
  return `${comment('The embedded engine needs a privileged runner (those of gitlab.com are). Set the CI/CD variable BUILDKIT_HOST to use your own buildkitd with any runner.')}
.bake-ts:
  image: node:24-bookworm
  timeout: 2h
  variables:
    DOCKER_CONFIG: /tmp/docker
    # Outside the checkout, where no build reads it.
    BAKE_TS_MADE: $CI_PROJECT_DIR.tmp/bake-ts
  before_script:
    # Elsewhere, so that no \`.npmrc\` of the repository applies.
    - (cd / && npm install --global -- "$BAKE_TS_PACKAGE")
    - bake-ts engine install
    - rm -rf "$BAKE_TS_MADE" && mkdir -p "$BAKE_TS_MADE"
  after_script:
    # GitLab collects files of the checkout; no build reads them any more.
    - mkdir -p ${KEPT} && cp "$BAKE_TS_MADE"/*.json "$BAKE_TS_MADE"/*.xml ${KEPT}/ || true${parts}
  artifacts:
    when: always
    paths: [${KEPT}/*.json${hasParts ? `, ${KEPT}/parts/*.json` : ''}]
    reports:
      junit: ${KEPT}/*.xml
    expire_in: 1 day`;
}

function mergeRequest(settings: PipelineSettings): string {
  const { selecting, hasCode } = settings;
  const why = hasCode
    ? 'For forks, `--untrusted` runs no code: a builds.yaml that is or includes a program is refused.'
    : 'For forks, `--untrusted` runs no code of builds.yaml and hides variables whose names look like secrets.';
  return `${comment('Merge requests, also of forks: no secrets (protect every variable that holds one), no pushes, no records. One job, since builds read each other from its engine.')}
merge-request:
  extends: .bake-ts
  stage: check
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  interruptible: true # by the next push
  variables:
    GIT_DEPTH: "0" # for the commit where the branch started
  script:
    - git remote set-url origin "$CI_PROJECT_URL" # the runner leaves the job's token there
${comment(why, 4)}
    - if [ "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID" = "$CI_PROJECT_ID" ]; then trust=--no-push; else trust=--untrusted; fi
    - ${scalarLine(bakeTs(settings, 'run', shellWords(selecting), '"$trust" --since "$CI_MERGE_REQUEST_DIFF_BASE_SHA"', JUNIT))}`;
}

/** The common part of jobs that push. */
function pushing({ registries, levels }: Pipeline, settings: PipelineSettings): string {
  const isRead = levels.length > 1;
  const made = isRead ? ' --metadata-file "$BAKE_TS_MADE/$CI_JOB_ID.json"' : '';
  const parents = isRead ? ' $parents' : '';
  return `${comment('Commits. BAKE_TS_RECORD_KEY, if you set it (masked and protected), signs records.')}
.push:
  extends: .bake-ts
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event" || $CI_PIPELINE_SOURCE == "schedule"
      when: never
    - when: on_success
  # Two pipelines do not move tags of the same builds at the same time.
  resource_group: images-${isShared(levels) ? '$JOB' : '$BUILDS'}
  script:
${script(registries, isRead, bakeTs(settings, 'run', `$BUILDS${parents}${made} ${JUNIT}`))}`;
}

/** The common part of jobs for some platforms, which move no tags. */
function splitting({ registries, levels }: Pipeline, settings: PipelineSettings): string {
  const isRead = levels.length > 1;
  const words = `$BUILDS $OPTIONS${isRead ? ' $parents' : ''} --metadata-file "$BAKE_TS_MADE/parts/$CI_JOB_ID.json" ${JUNIT}`;
  return `${comment('Some platforms of builds, pushed by digest. Later jobs join them, using the results of these.')}
.platform:
  extends: .push
  resource_group: images-$OPTIONS-${isShared(levels) ? '$JOB' : '$BUILDS'}
  script:
    - mkdir -p "$BAKE_TS_MADE/parts"
${script(registries, isRead, bakeTs(settings, 'run', words))}`;
}

/** The common part of jobs that join platforms, which need no engine. */
function merging({ registries }: Pipeline, settings: PipelineSettings): string {
  const words =
    '$BUILDS --from "$BAKE_TS_MADE/parents/parts" --metadata-file "$BAKE_TS_MADE/$CI_JOB_ID.json"';
  return `.merge:
  extends: .push
  timeout: 15m
  before_script:
    - (cd / && npm install --global -- "$BAKE_TS_PACKAGE")
    - rm -rf "$BAKE_TS_MADE" && mkdir -p "$BAKE_TS_MADE"
  script:
${script(registries, true, bakeTs(settings, 'merge', words))}`;
}

/** Signs in, reads the results of earlier jobs if there are any, and calls bake-ts. */
function script(registries: readonly string[], isRead: boolean, call: string): string {
  const lines = [
    ...login(registries),
    ...(isRead
      ? [
          `# Results of earlier jobs are in the checkout, where they would be files of contexts.`,
          `- if [ -d ${KEPT} ]; then mv ${KEPT} "$BAKE_TS_MADE/parents"; fi`,
          ...(call.includes('$parents')
            ? [
                `- if [ -d "$BAKE_TS_MADE/parents" ]; then parents="--parents-from $BAKE_TS_MADE/parents"; else parents=""; fi`,
              ]
            : []),
        ]
      : []),
    `# Not quoted: names of builds have no spaces or special characters of a shell.`,
    `- ${scalarLine(call)}`,
  ];
  return lines.map((line) => `    ${line}`).join('\n');
}

function login(registries: readonly string[]): readonly string[] {
  if (registries.length === 0) return [];
  return [
    "# GitLab's own registry. For others set the CI/CD variable DOCKER_AUTH_CONFIG (protected, masked).",
    '- |',
    `  if [ -n "\${CI_REGISTRY:-}" ]; then`,
    '    mkdir -p "$DOCKER_CONFIG"',
    `    auth="$(printf '%s:%s' "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" | base64 -w 0)"`,
    `    printf '{"auths":{"%s":{"auth":"%s"}}}' "$CI_REGISTRY" "$auth" > "$DOCKER_CONFIG/config.json"`,
    '  fi',
  ];
}

function byLevel(pipeline: Pipeline): readonly string[] {
  return pipeline.levels.flatMap((jobs, at) =>
    [...groupJobs(jobs)].map(([group, [first, ...others]], place) => {
      const head =
        at === 0 && place === 0
          ? `${comment('Level by level: a stage starts when the stage before is pushed. Jobs get the digests of their parents from the results of earlier jobs.')}\n`
          : '';
      if (first.kind === 'merge') return `${head}${single(first, group)}`;
      return `${head}${group}:
  extends: ${BASES[first.kind]}
  stage: level-${at}${own(first)}
  parallel:
    matrix:${matrixOf([first, ...others], isShared(pipeline.levels))}`;
    }),
  );
}

function matrixOf(jobs: readonly PipelineJob[], shared: boolean): string {
  if (!shared)
    return `\n      - BUILDS:${list(
      jobs.map(({ builds }) => builds.join(' ')),
      10,
    )}`;
  return jobs
    .map(({ id, builds }) => `\n      - JOB: ${id}\n        BUILDS: ${scalar(builds.join(' '))}`)
    .join('');
}

const BASES = { build: '.push', platform: '.platform', merge: '.merge' } as const;

/** The settings of a job besides its builds. */
function own(job: PipelineJob): string {
  const tags = job.where === undefined ? '' : `\n  tags:${list(job.where.split(','), 4)}`;
  if (job.kind !== 'platform') return tags;
  return `${tags}\n  variables:\n    OPTIONS: ${scalar(platformWords(job).trim())}`;
}

/** A job without a matrix. */
function single(job: PipelineJob, stage: string): string {
  const group = job.kind === 'merge' ? `\n  resource_group: images-${job.id}` : '';
  const variables = own(job).includes('\n  variables:') ? '' : '\n  variables:';
  return `${job.id}:
  extends: ${BASES[job.kind]}
  stage: ${stage}${stage === 'build' ? `\n  needs:${job.needs.length === 0 ? ' []' : list(job.needs, 4)}` : ''}${group}${own(job)}${variables}
    BUILDS: ${scalar(job.builds.join(' '))}`;
}

function byBuild(pipeline: Pipeline): readonly string[] {
  return pipeline.levels.flat().map((job, at) => {
    const head =
      at === 0
        ? `${comment('A job for each build, which starts when its dependencies are pushed. It gets their digests from the results of earlier jobs.')}\n`
        : '';
    return `${head}${single(job, 'build')}`;
  });
}

function updateLock(settings: PipelineSettings): string {
  const lock = shellWords([settings.lockFile]);
  const run = bakeTs(settings, 'run', shellWords(settings.selecting), '--no-push');
  return `${comment('For a nightly pipeline schedule: updates builds.lock to the current digests of base images, builds everything, and opens a merge request. It needs the setting "Allow Git push requests to the repository" (CI/CD, job token permissions). A push of that token starts no pipeline, so it is built here.')}
update-lock:
  extends: .bake-ts
  stage: update
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
  resource_group: update-lock
  script:
    - ${scalarLine(bakeTs(settings, 'lock'))}
    - ${scalarLine(`if [ -e ${lock} ]; then ${bakeTs(settings, 'update')}; fi`)}
    - ${scalarLine(`if [ -z "$(git status --porcelain -- ${lock})" ]; then exit 0; fi`)}
    - ${scalarLine(run)}
    - git checkout -B bake-ts/update-lock
    - ${scalarLine(`git add -- ${lock}`)}
    - git -c user.name=bake-ts -c user.email=bake-ts@noreply.invalid commit --message 'Move base images'
    - >-
      git push --force
      --push-option merge_request.create
      --push-option merge_request.target="$CI_DEFAULT_BRANCH"
      --push-option merge_request.title='Move base images'
      origin bake-ts/update-lock`;
}

/** Whether jobs have several builds, so that a build's name cannot name its job. */
function isShared(levels: Pipeline['levels']): boolean {
  return levels.some((jobs) => jobs.some(({ kind, builds }) => kind !== 'merge' && builds.length > 1));
}
