/** Options of `docker buildx bake` that are none here, and what does the same. */

const OPTIONS: Readonly<Record<string, string>> = {
  '--builder': 'the engine is found by itself, or named: --addr tcp://host:1234',
  '--call': "to check Dockerfiles: bake-ts lint; other questions to the frontend are bake's",
  '--check': 'bake-ts lint checks Dockerfiles',
  '--debug': '--progress=plain shows every line; bake-ts logs shows them afterwards',
  '--list': 'bake-ts list lists targets, groups and variables',
  '--list-targets': 'bake-ts list lists targets, groups and variables',
  '--list-variables': 'bake-ts list lists targets, groups and variables',
  '--load':
    "there is no Docker here to load into: images stay in the engine's store (bake-ts images).\nFor Docker, write a file: --set 'app.output=type=docker,dest=app.tar', then docker load -i app.tar",
  '--policy': 'bake-ts has no source policies',
};

/** What to do in place of an option that bake has. */
export function bakeOptionHint(rawName: string): string | undefined {
  return Object.hasOwn(OPTIONS, rawName) ? OPTIONS[rawName] : undefined;
}

const VALUES: Readonly<Record<string, string>> = {
  'progress none': 'write --progress quiet',
  'progress rawjson':
    'that is what buildctl says of one build; --progress json gives events of the whole run',
};

/** What to write in place of a value that bake takes. */
export function bakeValueHint(option: string, value: string): string | undefined {
  const key = `${option} ${value}`;
  return Object.hasOwn(VALUES, key) ? VALUES[key] : undefined;
}
