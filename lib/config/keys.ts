/** The type of each key of a build, and how its layers are merged; the only table for merging and overriding. */

/** How the values of a key are merged (docs/language.md, "Merging"). */
export type KeyRule =
  /** One text, number or boolean: the last one is used. */
  | 'scalar'
  /** A list that the last layer replaces as a whole. */
  | 'replace'
  /** A list that every layer adds to. */
  | 'append'
  /** A map merged by its keys. */
  | 'map'
  /** A map or text that the last layer replaces as a whole. */
  | 'whole';

/** Rules by key; `description`, `extends`, `matrix` and `name` are not properties of a concrete build. */
export const KEY_RULES: Readonly<Record<string, KeyRule>> = {
  context: 'scalar',
  dockerfile: 'scalar',
  'dockerfile-inline': 'scalar',
  frontend: 'scalar',
  source: 'scalar',
  opts: 'map',
  'buildctl-options': 'replace',
  target: 'scalar',
  args: 'map',
  contexts: 'map',
  needs: 'append',
  platforms: 'replace',
  tags: 'replace',
  push: 'scalar',
  labels: 'map',
  annotations: 'map',
  outputs: 'replace',
  attest: 'append',
  compression: 'whole',
  reproducible: 'scalar',
  'source-date-epoch': 'scalar',
  cache: 'whole',
  'cache-from': 'append',
  'cache-to': 'replace',
  'no-cache': 'scalar',
  'no-cache-filter': 'append',
  pull: 'scalar',
  secrets: 'append',
  ssh: 'append',
  network: 'scalar',
  'extra-hosts': 'map',
  ulimits: 'map',
  'shm-size': 'scalar',
  'cgroup-parent': 'scalar',
  entitlements: 'append',
  timeout: 'scalar',
  engine: 'map',
};

/** Names in bake's `--set` for keys of builds.yaml. */
export const OVERRIDE_ALIASES: Readonly<Record<string, string>> = {
  platform: 'platforms',
  output: 'outputs',
  secret: 'secrets',
  tag: 'tags',
};
