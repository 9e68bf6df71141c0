/**
 * A pipeline for Tekton (API v1), as a Task and a Pipeline: both can be applied repeatedly, and whatever starts them (a
 * trigger, `tkn pipeline start`) passes a commit.
 */
import type { Pipeline, PipelineJob } from './pipeline-model.ts';
import {
  BUILDKIT_HOST,
  buildctlContainer,
  engineOf,
  fixedEnvironment,
  hasMerges,
  hasTakers,
  JOB_IMAGE,
  type KubernetesSettings,
  mounts,
  nodesOf,
  podScript,
  SECRETS,
  volumes,
} from './pipeline-pod.ts';
import { comment, heading, indented, list, platformWords, quotedWord, scalar } from './pipeline-text.ts';

/** Prints both objects. Equal input, equal output. */
export function printTekton(pipeline: Pipeline, settings: KubernetesSettings): string {
  const jobs = pipeline.levels.flat();
  return `${heading('ci tekton', pipeline, settings)}
#
${usage(pipeline, settings)}
${task(pipeline, settings)}
---
apiVersion: tekton.dev/v1
kind: Pipeline
metadata:
  name: ${scalar(settings.name)}
spec:
  params:
    - name: repository
      description: What git clones
    - name: revision
      description: The commit to build
    - name: buildkit-host
      description: Address of the engine; if empty, that of builds.yaml
      default: ${scalar(BUILDKIT_HOST)}
  tasks:
${jobs.map((job) => pipelineTask(job, settings)).join('\n')}
${finallyFailed()}
`;
}

/** How to start it. */
function usage(pipeline: Pipeline, { name }: KubernetesSettings): string {
  const specs = pipeline.levels.flat().flatMap((job) => {
    const nodes = nodesOf(job);
    if (nodes === undefined) return [];
    const labels = Object.entries(nodes).map(([key, value]) => `${scalar(key)}: ${scalar(value)}`);
    return `    - pipelineTaskName: ${job.id}
      podTemplate: { nodeSelector: { ${labels.join(', ')} } }`;
  });
  const run = `apiVersion: tekton.dev/v1
kind: PipelineRun
metadata:
  generateName: ${name}-
spec:
  pipelineRef: { name: ${name} }
  timeouts: { pipeline: 6h0m0s } # Tekton's own is one hour
  params:
    - { name: repository, value: "https://git.example.com/acme/shop.git" }
    - { name: revision, value: "0000000000000000000000000000000000000000" }${specs.length === 0 ? '' : `\n  taskRunSpecs:\n${specs.join('\n')}`}`;
  return `# kubectl apply --filename FILE, and for each commit, by a trigger or with kubectl create:
${run
  .split('\n')
  .map((line) => `#   ${line}`)
  .join('\n')}
${comment(`Optional secrets of the namespace: ${SECRETS.registries} (kubernetes.io/dockerconfigjson) signs in to registries, ${SECRETS.engine} (ca.pem, cert.pem, key.pem) to the engine, and the keys of ${SECRETS.environment} become variables of the jobs, such as BAKE_TS_RECORD_KEY. For a private repository give the service account a secret with the annotation tekton.dev/git-0.`)}`;
}

function jobTask({ name }: KubernetesSettings): string {
  return `${name}-job`;
}

/** The task of all jobs. */
function task(pipeline: Pipeline, settings: KubernetesSettings): string {
  const isRead = hasTakers(pipeline);
  const script = podScript(pipeline, settings, {
    checkout: CHECKOUT,
    result: '$(results.made.path)',
    word: (text) => quotedWord(text, /\$(?=\()/g),
  });
  const parameters = [
    ['builds', 'BUILDS'],
    ...(isRead ? [['parents', 'PARENTS', '""']] : []),
    ...(hasMerges(pipeline)
      ? [
          ['command', 'COMMAND', 'run'],
          ['options', 'OPTIONS', '""'],
        ]
      : []),
    ['repository', 'REPOSITORY'],
    ['revision', 'REVISION'],
    ['package', 'BAKE_TS_PACKAGE', scalar(settings.package), 'The package of bake-ts, as for `npm install`'],
    ['buildkit-host', 'BUILDKIT_HOST'],
  ];
  const declared = parameters.map(
    ([name, _variable, value, description]) =>
      `    - name: ${name}${description === undefined ? '' : `\n      description: ${description}`}${value === undefined ? '' : `\n      default: ${value}`}`,
  );
  return `apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: ${scalar(jobTask(settings))}
spec:
  params:
${declared.join('\n')}
${isRead ? '  results:\n    - name: made\n      description: The images that it built, for the jobs that need them\n' : ''}  volumes:
${indented(volumes(), 4)}
  steps:
    - name: buildctl
${indented(buildctlContainer(settings.buildkit), 6)}
      volumeMounts:
${indented(mounts().split('\n')[0] ?? '', 8)}
    - name: bake
      image: ${JOB_IMAGE}
      computeResources:
        requests: { cpu: 100m, memory: 256Mi } # the engine does the work
      env:
${parameters.map(([name, variable]) => `        - { name: ${variable}, value: $(params.${name}) }`).join('\n')}
${indented(fixedEnvironment(), 8)}
      envFrom:
        - secretRef: { name: ${SECRETS.environment}, optional: true }
      volumeMounts:
${indented(mounts(), 8)}
      script: |
        #!/usr/bin/env bash
${indented(script, 8)}`;
}

/** Not a workspace, because jobs that share a volume run on one node, and these should run on many. */
const CHECKOUT = `source="$work/source"
git init --quiet "$source"
git -C "$source" remote add origin "$REPOSITORY"
git -C "$source" fetch --quiet --depth 1 origin "$REVISION" || git -C "$source" fetch --quiet origin
git -C "$source" checkout --quiet --detach "$REVISION"`;

function pipelineTask(job: PipelineJob, settings: KubernetesSettings): string {
  const engine = engineOf(job);
  const parents = job.takes.map((id) => `$(tasks.${id}.results.made)`).join(' ');
  const parameters = [
    ['builds', scalar(job.builds.join(' '))],
    ...(job.kind === 'merge' ? [['command', 'merge']] : []),
    ...(job.kind === 'platform' ? [['options', scalar(platformWords(job).trim())]] : []),
    ...(parents === '' ? [] : [['parents', parents]]),
    ['repository', '$(params.repository)'],
    ['revision', '$(params.revision)'],
    ['buildkit-host', engine === undefined ? '$(params.buildkit-host)' : scalar(engine)],
  ];
  return `    - name: ${job.id}
      taskRef: { name: ${scalar(jobTask(settings))} }
      onError: continue
      timeout: 2h0m0s${job.needs.length === 0 ? '' : `\n      runAfter:${list(job.needs, 8)}`}
      params:
${parameters.map(([name, value]) => `        - { name: ${name}, value: ${value} }`).join('\n')}`;
}

function finallyFailed(): string {
  return `  finally:
    # Tekton starts nothing more when a task fails. With \`onError: continue\` it runs tasks that do not need that one, and
    # skips those that do, since their parameter is missing; this task makes the pipeline fail.
    - name: failed
      when:
        - { input: $(tasks.status), operator: in, values: [Failed] }
      taskSpec:
        steps:
          - name: failed
            image: ${JOB_IMAGE}
            script: |
              #!/bin/sh
              echo 'A job failed; see its log. Builds that need its images were not built.'
              exit 1`;
}
