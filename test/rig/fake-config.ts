/**
 * Configs of images as a fake engine makes them: in BuildKit's form (Go's encoding/json over its structs), for the plain
 * instructions that tests write. No times pass: every image is of the same second.
 */
import type { FakeLayer, FakeState } from './fake-image.ts';

/** What of an image's `config` is neither its variables nor given from outside, by the name that it has there. */
export type FakeSettings = Readonly<Record<string, unknown>>;

const CREATED = '2000-01-01T00:00:00Z';
const FIELDS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
];

/** What an instruction makes of the settings. CMD is to stand below ENTRYPOINT, which takes an earlier one away. */
export function applySetting(settings: FakeSettings, name: string, rest: string): FakeSettings {
  const command = rest.startsWith('[') ? JSON.parse(rest) : ['/bin/sh', '-c', rest];
  const adding = (field: string, more: Readonly<Record<string, unknown>>) => ({
    ...settings,
    [field]: { ...(settings[field] as object | undefined), ...more },
  });
  const emptied = (words: readonly string[]) => Object.fromEntries(words.map((word) => [word, {}]));
  const words = rest.split(/\s+/);
  switch (name) {
    case 'LABEL':
      return adding('Labels', Object.fromEntries(words.map((word) => word.split(/=(.*)/s, 2))));
    case 'CMD':
      return { ...settings, Cmd: command, ArgsEscaped: true };
    case 'ENTRYPOINT':
      return { ...settings, Entrypoint: command, Cmd: undefined };
    case 'EXPOSE':
      return adding('ExposedPorts', emptied(words.map((port) => `${port}/tcp`)));
    case 'VOLUME':
      return adding('Volumes', emptied(words));
    case 'HEALTHCHECK':
      return {
        ...settings,
        Healthcheck: { Test: rest === 'NONE' ? ['NONE'] : ['CMD-SHELL', rest.slice(4)] },
      };
    case 'SHELL':
      return { ...settings, Shell: command };
    case 'ONBUILD':
      return {
        ...settings,
        OnBuild: [...((settings['OnBuild'] as readonly string[] | undefined) ?? []), rest],
      };
    case 'USER':
      return { ...settings, User: rest };
    case 'WORKDIR':
      return { ...settings, WorkingDir: rest };
    case 'STOPSIGNAL':
      return { ...settings, StopSignal: rest };
    default:
      return settings;
  }
}

/** Writes the config of an image. */
export function writeConfig(
  { layers, env, settings, history }: FakeState,
  platform: string,
  labels: ReadonlyMap<string, string>,
): Buffer {
  const [os = '', architecture = '', variant] = platform.split('/');
  const all = { ...(settings['Labels'] as object | undefined), ...Object.fromEntries(labels) };
  const values: FakeSettings = {
    ...settings,
    ...(env.size === 0 ? {} : { Env: [...env].map(([name, value]) => `${name}=${value}`) }),
    Labels: Object.keys(all).length === 0 ? undefined : all,
  };
  const sorted = (value: unknown) =>
    Object.fromEntries(Object.entries(value as object).sort(([one], [other]) => (one < other ? -1 : 1)));
  const config = FIELDS.flatMap((field) => {
    const value = values[field];
    if (value === undefined) return [];
    return [[field, /^(?:ExposedPorts|Volumes|Labels)$/.test(field) ? sorted(value) : value]];
  });
  const json = JSON.stringify({
    architecture,
    config: Object.fromEntries(config),
    created: CREATED,
    history: history.map((created_by) => ({
      created: CREATED,
      created_by,
      comment: 'buildkit.dockerfile.v0',
      ...(/^(?:RUN|COPY|ADD) /.test(created_by) ? {} : { empty_layer: true }),
    })),
    os,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    ...(variant === undefined ? {} : { variant }),
  });
  return Buffer.from(json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`));
}

const INSTRUCTION =
  /^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/i;

/** What a build that is based on an image of this config starts from. */
export function stateOf(
  text: string,
  configDigest: string,
  layers: readonly FakeLayer[],
): { readonly platform: string; readonly state: FakeState } {
  const { os, architecture, variant, config, history } = JSON.parse(text) as {
    readonly os: string;
    readonly architecture: string;
    readonly variant?: string;
    readonly config?: FakeSettings & {
      readonly Env?: readonly string[];
      readonly OnBuild?: readonly string[];
    };
    readonly history?: readonly { readonly created_by?: string }[];
  };
  // Triggers are for the one build that is based on it.
  const { Env = [], OnBuild = [], ...settings } = config ?? {};
  const unknownTrigger = OnBuild.find((line) => !INSTRUCTION.test(line));
  return {
    platform: [os, architecture, variant].filter((part) => part !== undefined).join('/'),
    state: {
      layers,
      env: new Map(Env.map((one) => one.split(/=(.*)/s, 2) as [string, string])),
      settings,
      history: (history ?? []).map(({ created_by = '' }) => created_by),
      chain: `${configDigest} ${layers.map(({ digest }) => digest).join(' ')}`,
      ...(unknownTrigger === undefined ? {} : { unknownTrigger }),
    },
  };
}
