/** Options of `docker buildx bake` that bake-ts does not have, and what to use instead. */

const OPTIONS: Readonly<Record<string, string>> = {
  '--builder': 'bake-ts finds the engine by itself. To name one, use --addr tcp://host:1234.',
  '--call': "to check Dockerfiles: bake-ts lint; other questions to the frontend are bake's",
  '--check': 'Use `bake-ts lint` to check Dockerfiles.',
  '--debug': '--progress=plain shows every line; bake-ts logs shows them afterwards',
  '--list': 'Use `bake-ts list` to list targets, groups and variables.',
  '--list-targets': 'Use `bake-ts list` to list targets, groups and variables.',
  '--list-variables': 'Use `bake-ts list` to list targets, groups and variables.',
  '--load':
    "bake-ts does not load images into Docker: they stay in the engine's store (`bake-ts images`).\nFor Docker, write a file: --set 'app.output=type=docker,dest=app.tar', then docker load -i app.tar",
  '--policy': 'bake-ts has no source policies.',
};

/** What to use instead of an option of bake. */
export function bakeOptionHint(rawName: string): string | undefined {
  return Object.hasOwn(OPTIONS, rawName) ? OPTIONS[rawName] : undefined;
}

const VALUES: Readonly<Record<string, string>> = {
  'progress none': 'write --progress quiet',
  'progress rawjson':
    'rawjson is the output of buildctl for one build. Use --progress json for the events of the whole run.',
};

/** What to write instead of a value that bake accepts. */
export function bakeValueHint(option: string, value: string): string | undefined {
  const key = `${option} ${value}`;
  return Object.hasOwn(VALUES, key) ? VALUES[key] : undefined;
}
