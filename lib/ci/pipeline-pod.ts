/** What pods run in pipelines of Argo Workflows and Tekton. */
import type { Pipeline, PipelineJob, PipelineLimits } from './pipeline-model.ts';
import { bakeTs, type CallSettings, type PipelineSettings } from './pipeline-text.ts';

/** Argo and Tekton have no limits of their own, but a Kubernetes object may have 1.5 MB, including the state of all its jobs. */
export const POD_LIMITS: PipelineLimits = {
  jobsOfLevel: 500,
  jobs: 500,
  needs: Number.POSITIVE_INFINITY,
  labels: true,
};

/** Settings of pipelines in Kubernetes. */
export interface KubernetesSettings extends PipelineSettings {
  /** Name of the objects, so that several repositories can use one namespace. A label of RFC 1123. */
  readonly name: string;
}

/** With npm, git, bash and gzip. */
export const JOB_IMAGE = 'node:24-bookworm';

/** Default address of buildkitd: the one that `engine service kubernetes` creates. */
export const BUILDKIT_HOST = 'tcp://buildkitd:1234';

/** Secrets of the namespace; all are optional. */
export const SECRETS = {
  /** Of type `kubernetes.io/dockerconfigjson`. */
  registries: 'bake-ts-registries',
  /** `ca.pem`, `cert.pem` and `key.pem`. */
  engine: 'bake-ts-engine',
  /** Variables: `BAKE_TS_RECORD_KEY`, and sensitive ones of builds.yaml. */
  environment: 'bake-ts-environment',
};

/** Where volumes are in a pod. */
export const MOUNTS = {
  buildctl: '/bake-ts/buildctl',
  registries: '/bake-ts/registries',
  engine: '/bake-ts/engine',
};

/** The volumes, as items of a list. */
export function volumes(): string {
  return `- name: buildctl
  emptyDir: {}
- name: registries
  secret:
    secretName: ${SECRETS.registries}
    optional: true
    items:
      - key: .dockerconfigjson
        path: config.json
- name: engine
  secret:
    secretName: ${SECRETS.engine}
    optional: true`;
}

/** The mounts of the container that calls bake-ts, as items of a list. */
export function mounts(): string {
  return `- { name: buildctl, mountPath: ${MOUNTS.buildctl} }
- { name: registries, mountPath: ${MOUNTS.registries}, readOnly: true }
- { name: engine, mountPath: ${MOUNTS.engine}, readOnly: true }`;
}

/** The container that copies buildctl from the image of the pinned BuildKit, which lacks the other required programs. */
export function buildctlContainer(buildkit: string): string {
  return `image: moby/buildkit:v${buildkit}
command: [cp, /usr/bin/buildctl, ${MOUNTS.buildctl}/buildctl]`;
}

/** Fixed variables of the container that calls bake-ts, as items of a list. */
export function fixedEnvironment(): string {
  return `- { name: BUILDCTL, value: ${MOUNTS.buildctl}/buildctl }
- { name: DOCKER_CONFIG, value: ${MOUNTS.registries} }`;
}

/** The differences between the systems. */
export interface PodScript {
  /** Lines that set `$source` to the path of the checkout. */
  readonly checkout: string;
  /** The file for the results of a job, as a shell word. */
  readonly result: string;
  /** Quotes a word so that the system does not interpret any part as its own template. */
  readonly word: (text: string) => string;
}

/** Whether there are jobs that merge. */
export function hasMerges({ levels }: Pipeline): boolean {
  return levels.some((jobs) => jobs.some(({ kind }) => kind === 'merge'));
}

/** Whether a job uses results of another one. */
export function hasTakers({ levels }: Pipeline): boolean {
  return levels.some((jobs) => jobs.some(({ takes }) => takes.length > 0));
}

/**
 * The bash script of a job. It reads REVISION, BAKE_TS_PACKAGE and BUILDS (separated by spaces). If jobs use results of
 * others, also PARENTS (separated by spaces). If some jobs merge, also COMMAND (`run` or `merge`) and OPTIONS.
 */
export function podScript(pipeline: Pipeline, settings: PipelineSettings, script: PodScript): string {
  const isRead = hasTakers(pipeline);
  return [
    INSTALL,
    script.checkout,
    TLS,
    ...(isRead ? [TAKE] : []),
    'read -ra builds <<< "$BUILDS"',
    'cd "$source"',
    ...calls(pipeline, { ...settings, word: script.word }),
    ...(isRead ? [leave(script.result)] : []),
  ].join('\n');
}

const INSTALL = `set -euo pipefail
if ! [[ "$REVISION" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]]; then
  echo "revision is '$REVISION', but must be a full commit id: each pod clones, and a branch may move in between" >&2
  exit 2
fi
work="$(mktemp -d)"
cd "$work" # so that no \`.npmrc\` of the repository applies
npm install --no-save --prefix "$work" -- "$BAKE_TS_PACKAGE"
export PATH="$work/node_modules/.bin:$PATH"`;

const TLS = `if [ -e ${MOUNTS.engine}/ca.pem ]; then
  printf '#!/bin/sh\\nexec %s --tlsdir %s "$@"\\n' "$BUILDCTL" ${MOUNTS.engine} > "$work/buildctl"
  chmod +x "$work/buildctl"
  export BUILDCTL="$work/buildctl"
fi`;

const TAKE = `mkdir "$work/parents"
for one in $PARENTS; do
  file="$(mktemp "$work/parents/XXXXXX.json")"
  base64 --decode <<< "$one" | gunzip > "$file"
done`;

/** The calls of bake-ts. */
function calls(pipeline: Pipeline, settings: CallSettings): readonly string[] {
  const isRead = hasTakers(pipeline);
  const made = isRead ? '--metadata-file "$work/made.json"' : '';
  const parents = isRead
    ? ['if [ -n "$PARENTS" ]; then parents=(--parents-from "$work/parents"); else parents=(); fi']
    : [];
  const taking = isRead ? '"${parents[@]}"' : '';
  if (!hasMerges(pipeline)) return [...parents, bakeTs(settings, 'run', '"${builds[@]}"', taking, made)];
  return [
    'if [ "$COMMAND" = merge ]; then',
    `  ${bakeTs(settings, 'merge', '"${builds[@]}" --from "$work/parents"', made)}`,
    'else',
    '  read -ra options <<< "$OPTIONS"',
    ...parents.map((line) => `  ${line}`),
    `  ${bakeTs(settings, 'run', '"${builds[@]}" "${options[@]}"', taking, made)}`,
    'fi',
  ];
}

/** Results passed on become part of the system's own objects and must be small: only the requested builds of this job, compressed. */
function leave(result: string): string {
  return `node --eval '
  const { readFileSync, writeFileSync } = require("node:fs");
  const { version, builds } = JSON.parse(readFileSync(0, "utf8"));
  const asked = Object.entries(builds).filter(([, one]) => one.role === "asked");
  writeFileSync(1, JSON.stringify({ version, builds: Object.fromEntries(asked) }));
' < "$work/made.json" | gzip -9 --no-name | base64 --wrap 0 > ${result}`;
}

/** The engine of a job's runner, if the runner is the address of one. */
export function engineOf({ where }: PipelineJob): string | undefined {
  return where?.includes('://') === true ? where : undefined;
}

/** The node labels for a job, from a runner like `kubernetes.io/arch=arm64,disk=ssd`; undefined: any node. */
export function nodesOf(job: PipelineJob): Readonly<Record<string, string>> | undefined {
  if (job.where === undefined || engineOf(job) !== undefined) return undefined;
  const pairs = job.where
    .split(',')
    .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  return Object.fromEntries(pairs);
}
