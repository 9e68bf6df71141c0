/**
 * A pipeline for Argo Workflows (3.6 or newer), as a WorkflowTemplate: it can be applied repeatedly, and whatever
 * starts it (a trigger, `argo submit --from`) passes a commit. A Workflow would be a single run and can only be
 * created.
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

/** Where Argo puts the checkout. */
const SOURCE = '/bake-ts/source';
/** The result file of a job. */
const MADE = '/tmp/made';

/** Prints the WorkflowTemplate. Equal input, equal output. */
export function printArgo(pipeline: Pipeline, settings: KubernetesSettings): string {
  return `${heading('ci argo', pipeline, settings)}
#
${usage(settings)}
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata:
  name: ${scalar(settings.name)}
spec:
  entrypoint: images
  arguments:
    parameters:
      - name: repository
        description: What git clones
      - name: revision
        description: The commit to build
      - name: package
        description: The package of bake-ts, as for \`npm install\`
        value: ${scalar(settings.package)}
      - name: buildkit-host
        description: Address of the engine; if empty, that of builds.yaml
        value: ${scalar(BUILDKIT_HOST)}
  parallelism: 8 # pods at a time; each builds on the same engine
  synchronization:
    mutexes:
      - name: ${scalar(settings.name)} # so that tags never move back to an older commit
  volumes:
${indented(volumes(), 4)}
  templates:
    - name: images
      dag:
        failFast: false # builds that do not need the failed one continue
        tasks:
${pipeline.levels.flat().map(task).join('\n')}
${jobTemplate(pipeline, settings)}
`;
}

function usage({ name }: KubernetesSettings): string {
  return `# kubectl apply --filename FILE, and for each commit, by a trigger or by hand:
#   argo submit --from workflowtemplate/${name} --parameter repository=https://git.example.com/acme/shop.git \\
#     --parameter revision="$(git rev-parse HEAD)"
${comment(`Optional secrets of the namespace: ${SECRETS.registries} (kubernetes.io/dockerconfigjson) signs in to registries, ${SECRETS.engine} (ca.pem, cert.pem, key.pem) to the engine, and the keys of ${SECRETS.environment} become variables of the jobs, such as BAKE_TS_RECORD_KEY.`)}`;
}

/** One job as a task of the DAG. */
function task(job: PipelineJob): string {
  const parents = job.takes.map((id) => `{{tasks.${id}.outputs.parameters.made}}`).join(' ');
  const nodes = nodesOf(job);
  const parameters = [
    ['builds', job.builds.join(' ')],
    ...(job.kind === 'merge' ? [['command', 'merge']] : []),
    ...(job.kind === 'platform' ? [['options', platformWords(job).trim()]] : []),
    ...(parents === '' ? [] : [['parents', parents]]),
    ...(engineOf(job) === undefined ? [] : [['buildkit-host', engineOf(job) ?? '']]),
    ...(nodes === undefined ? [] : [['pod', JSON.stringify({ nodeSelector: nodes })]]),
  ];
  const needs = job.needs.length === 0 ? '' : `\n            dependencies:${list(job.needs, 14)}`;
  return `          - name: ${job.id}
            template: job${needs}
            arguments:
              parameters:
${parameters
  .map(([name, value = '']) => `                - { name: ${name}, value: ${scalar(value)} }`)
  .join('\n')}`;
}

/** The template of all tasks. */
function jobTemplate(pipeline: Pipeline, settings: KubernetesSettings): string {
  const jobs = pipeline.levels.flat();
  const isRead = hasTakers(pipeline);
  const hasEngines = jobs.some((job) => engineOf(job) !== undefined);
  const hasNodes = jobs.some((job) => nodesOf(job) !== undefined);
  const script = podScript(pipeline, settings, {
    checkout: `source=${SOURCE}`,
    result: MADE,
    word: (text) => quotedWord(text, /\{(?=\{)/g),
  });
  const inputs = [
    ['builds'],
    ...(isRead ? [['parents', '""']] : []),
    ...(hasMerges(pipeline)
      ? [
          ['command', 'run'],
          ['options', '""'],
        ]
      : []),
    ...(hasEngines ? [['buildkit-host', '"{{workflow.parameters.buildkit-host}}"']] : []),
    ...(hasNodes ? [['pod', '"{}"']] : []),
  ];
  const environment = [
    ['BUILDS', 'inputs.parameters.builds'],
    ...(isRead ? [['PARENTS', 'inputs.parameters.parents']] : []),
    ...(hasMerges(pipeline)
      ? [
          ['COMMAND', 'inputs.parameters.command'],
          ['OPTIONS', 'inputs.parameters.options'],
        ]
      : []),
    ['REVISION', 'workflow.parameters.revision'],
    ['BAKE_TS_PACKAGE', 'workflow.parameters.package'],
    ['BUILDKIT_HOST', `${hasEngines ? 'inputs' : 'workflow'}.parameters.buildkit-host`],
  ];
  return `    - name: job
      inputs:
        parameters:
${inputs.map(([name, value]) => `          - { name: ${name}${value === undefined ? '' : `, value: ${value}`} }`).join('\n')}
        artifacts:
          - name: source
            path: ${SOURCE}
            git:
              repo: "{{workflow.parameters.repository}}"
              revision: "{{workflow.parameters.revision}}"
              # For a private repository, with a secret that has both keys:
              # usernameSecret: { name: git, key: username }
              # passwordSecret: { name: git, key: password }
${isRead ? `      outputs:\n        parameters:\n          - name: made\n            valueFrom: { path: ${MADE} }\n` : ''}${hasNodes ? '      podSpecPatch: "{{inputs.parameters.pod}}"\n' : ''}      activeDeadlineSeconds: 7200
      retryStrategy:
        limit: 2
        retryPolicy: Always
        # Retries lost pods and unreachable engines (5) or registries (6). A failed build would fail again.
        expression: lastRetry.status == 'Error' || asInt(lastRetry.exitCode) in [5, 6]
        backoff: { duration: 30s, factor: 2 }
      initContainers:
        - name: buildctl
${indented(buildctlContainer(settings.buildkit), 10)}
          mirrorVolumeMounts: true
      script:
        image: ${JOB_IMAGE}
        command: [bash]
        resources:
          requests: { cpu: 100m, memory: 256Mi } # the engine does the work
        env:
${environment.map(([name, from]) => `          - { name: ${name}, value: "{{${from}}}" }`).join('\n')}
${indented(fixedEnvironment(), 10)}
        envFrom:
          - secretRef: { name: ${SECRETS.environment}, optional: true }
        volumeMounts:
${indented(mounts(), 10)}
        source: |
${indented(script, 10)}`;
}
