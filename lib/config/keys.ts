/** What each key of a build is and how layers of it combine; the one table that merging and overriding read. */

/** How a key's value reads and merges (docs/language.md, "Merging"). */
export type KeyRule =
  /** One text, number or boolean: the last one counts. */
  | 'scalar'
  /** A list that the last layer replaces as a whole. */
  | 'replace'
  /** A list that every layer adds to. */
  | 'append'
  /** A map merged by its keys. */
  | 'map'
  /** A map or text taken as a whole. */
  | 'whole';

/** Rules by key; `description`, `extends`, `matrix` and `name` are no properties of a concrete build. */
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

/** Spellings of bake's `--set` that mean one of our keys. */
export const OVERRIDE_ALIASES: Readonly<Record<string, string>> = {
  platform: 'platforms',
  output: 'outputs',
  secret: 'secrets',
  tag: 'tags',
};
