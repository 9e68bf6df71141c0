/**
 * A pod in little, for the imitations of Argo and Tekton: runs containers one after the other on this machine, each of them a program
 * or a script, with volumes of their own. Paths of the pod become temporary directories wherever they are written.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type CiStep, type Origin, runScript } from './ci-job.ts';
import { runCommand } from './command.ts';
import { type Cleanup, makeTempDir } from './temp.ts';

/** A container, as both systems write it down. */
export interface PodContainer {
  readonly name?: string;
  readonly image: string;
  readonly command?: readonly string[];
  /** Absent: `command` is all. */
  readonly script?: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom?: readonly {
    readonly secretRef: { readonly name: string; readonly optional?: boolean };
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A volume, of the kinds that are known here. */
export interface PodVolume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly secret?: {
    readonly secretName: string;
    readonly optional?: boolean;
    readonly items?: readonly { readonly key: string; readonly path: string }[];
  };
}

/** Secrets by name: keys and values. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Where and with what pods run. */
export interface PodOptions {
  readonly origin: Origin;
  /** A directory for PATH; see `makePrograms`. */
  readonly programs: string;
  /** What images have in their environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets?: Secrets;
  /** Files that images have, by their path in a container. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Runs the containers in order until one fails; `paths` are more paths of the pod, and what stands for them. */
export async function runPod(
  t: Cleanup,
  name: string,
  { containers, volumes }: { containers: readonly PodContainer[]; volumes: readonly PodVolume[] },
  paths: Readonly<Record<string, string>>,
  { programs, env: image, secrets = {}, files = {} }: PodOptions,
): Promise<CiStep> {
  const dir = await makeTempDir(t, 'pod-');
  const home = path.join(dir, 'home');
  await mkdir(path.join(home, 'tmp'), { recursive: true });
  const places: Record<string, string> = { ...files, ...paths };
  for (const volume of volumes) {
    const place = await makeVolume(path.join(dir, volume.name), volume, secrets);
    const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
    for (const { mountPath } of mounts.filter((one) => one.name === volume.name)) places[mountPath] = place;
  }
  const placed = (text: string) =>
    Object.entries(places)
      .sort(([one], [other]) => other.length - one.length)
      .reduce((all, [from, to]) => all.replaceAll(from, to), text);
  let output = '';
  for (const container of containers) {
    const { command = [], script } = container;
    const env = {
      ...image,
      ...secretVariables(container, secrets),
      ...Object.fromEntries((container.env ?? []).map((one) => [one.name, placed(one.value)])),
      HOME: home,
      BAKE_TS_HOME: home,
      TMPDIR: path.join(home, 'tmp'),
      PATH: `${programs}:${image['PATH'] ?? ''}`,
    };
    const how = { name, cwd: home, env: { ...env, CI_SCRIPTS: dir } };
    const done =
      script === undefined
        ? await runCommand(command.map(placed), { env })
        : await runScript(placed(script), { ...how, shell: command.length === 0 ? ['bash'] : command });
    output += 'output' in done ? done.output : `${done.stdout}${done.stderr}`;
    if (done.exitCode !== 0) return { name, exitCode: done.exitCode, output };
  }
  return { name, exitCode: 0, output };
}

async function makeVolume(
  dir: string,
  { name, emptyDir, secret }: PodVolume,
  secrets: Secrets,
): Promise<string> {
  await mkdir(dir);
  if (emptyDir !== undefined) return dir;
  assert(secret !== undefined, `${name}: no such kind of volume here`);
  const found = secrets[secret.secretName];
  assert(found !== undefined || secret.optional === true, `no secret ${secret.secretName}`);
  if (found === undefined) return dir;
  for (const { key, path: file } of secret.items ?? Object.keys(found).map((key) => ({ key, path: key })))
    await writeFile(path.join(dir, file), found[key] ?? assert.fail(`no key ${key}`));
  return dir;
}

function secretVariables({ envFrom = [] }: PodContainer, secrets: Secrets): Readonly<Record<string, string>> {
  return Object.assign(
    {},
    ...envFrom.map(({ secretRef: { name, optional } }) => {
      assert(secrets[name] !== undefined || optional === true, `no secret ${name}`);
      return secrets[name] ?? {};
    }),
  );
}
