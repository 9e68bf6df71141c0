/**
 * `--set` for bake files: bake's keys follow bake's rules and are applied first; keys that only bake-ts has follow its
 * own rules.
 */
import { problem } from '../model/mod.ts';
import type { Problems } from './problems.ts';

/** Keys of bake's `--set` (buildx bake/bake.go, `AddOverrides`), and bake-ts's names for them. */
const BAKE_KEYS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'annotation',
      'annotations',
      'arg',
      'args',
      'attest',
      'cache-from',
      'cache-to',
      'call',
      'context',
      'contexts',
      'dockerfile',
      'entitlement',
      'entitlements',
      'extra-host',
      'extra-hosts',
      'label',
      'labels',
      'load',
      'network',
      'no-cache',
      'no-cache-filter',
      'output',
      'platform',
      'policy',
      'pull',
      'push',
      'resource',
      'resources',
      'secret',
      'secrets',
      'shm-size',
      'ssh',
      'tag',
      'tags',
      'target',
      'ulimit',
      'ulimits',
    ].map((key) => [key, key]),
  ),
  outputs: 'output',
  platforms: 'platform',
};

/** Further names of these keys, and keys that are rejected. */
const OTHER_NAMES: ReadonlySet<string> = new Set(
  'annotation arg entitlement extra-host label load outputs platform resource secret tag ulimit'.split(' '),
);

/** The keys by attribute names, for hints. */
export const BAKE_KEY_NAMES: readonly string[] = Object.keys(BAKE_KEYS).filter(
  (key) => !OTHER_NAMES.has(key),
);

/** Overrides by who applies them. */
export interface SplitOverrides {
  readonly bake: readonly string[];
  readonly own: readonly string[];
}

/** Sorts overrides by who applies them. `load` is rejected: there is no Docker to load into. */
export function splitBakeOverrides(
  texts: readonly string[],
  cwd: string,
  problems: Problems,
): SplitOverrides {
  const bake: string[] = [];
  const own: string[] = [];
  for (const text of texts) {
    // Names of targets have no dots.
    const [, pattern = '', key = '', rest = ''] = /^([^.=]*)\.([a-z-]+)(.*)$/s.exec(text) ?? [];
    const name = Object.hasOwn(BAKE_KEYS, key) ? BAKE_KEYS[key] : undefined;
    if (name === 'load') problems.add(noDocker(text, cwd));
    else if (name === 'push' && rest === '=always') own.push(text);
    else if (name !== undefined) bake.push(`${pattern}.${name}${rest}`);
    else own.push(text);
  }
  return { bake, own };
}

function noDocker(text: string, cwd: string) {
  const source = { path: '--set', text, isCommandLine: true as const, dir: cwd };
  return problem('config/override', `The override ${text}: there is no Docker here to load images into`, {
    hint: "Write a file with the override 'app.output=type=docker,dest=app.tar', then run docker load -i app.tar. The engine's store keeps the image, too (bake-ts images).",
    span: { source, start: 0, end: text.length },
  });
}
