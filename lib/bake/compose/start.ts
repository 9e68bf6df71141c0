/** The beginning of a reading of Compose files: the environment, and the project that the files are. */
import { parseBool } from '../go-text.ts';
import { readDotenv } from './dotenv.ts';
import { valueAt } from './node.ts';
import type { ComposeOptions } from './options.ts';
import { Report } from './report.ts';
import {
  documentsOf,
  type NamedFile,
  type Reader,
  readOptional,
  type Scope,
  type Shared,
  watched,
} from './scope.ts';
import { substitute } from './template.ts';

/** Begins a reading. */
export async function start(
  options: ComposeOptions,
  way: Pick<Shared, 'fill' | 'onlyBuilds'> = {},
): Promise<{ readonly shared: Shared; readonly environment: Map<string, string> }> {
  const reader: Reader = { readFile: options.readFile, isDirectory: options.isDirectory };
  const shared: Shared = {
    reader,
    report: new Report(),
    onUnset: options.onUnset ?? (() => undefined),
    home: options.env['HOME'] ?? options.env['USERPROFILE'],
    documents: new WeakMap(),
    files: new Map(),
    includes: new Map(),
    ...way,
  };
  return { shared, environment: await readEnvironment(options, shared) };
}

/** The environment, `.env` where bake runs for what is not set there, and `--var` over both. */
async function readEnvironment({ env, vars }: ComposeOptions, shared: Shared): Promise<Map<string, string>> {
  const environment = new Map<string, string>();
  if (parseBool(env['BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP'] ?? '') !== true) {
    for (const [name, value] of Object.entries(env)) if (value !== undefined) environment.set(name, value);
  }
  const source = await readOptional('.env', shared);
  if (source !== undefined) {
    const values = new Map<string, string>();
    const wrong = readDotenv(source, values, watched(environment, shared).get);
    if (wrong !== undefined) shared.report.take(wrong);
    for (const [name, value] of values) if (!environment.has(name)) environment.set(name, value);
  }
  for (const [name, value] of vars) environment.set(name, value);
  return environment;
}

const PROJECT_NAME = 'COMPOSE_PROJECT_NAME';

/** Puts the project's name into the environment, for files that refer to it: `name`, else the variable, else `bake`. */
function nameProject(files: readonly NamedFile[], environment: Map<string, string>, shared: Shared): void {
  let written = '';
  for (const { source } of files) {
    for (const { root } of documentsOf(source, shared)) {
      const name = valueAt(root, 'name');
      if (name?.kind === 'scalar' && name.type !== 'null' && name.text !== '') written = name.text;
    }
  }
  const filled = substitute(written, (name) => environment.get(name));
  const name = filled.ok && filled.text !== '' ? filled.text : (environment.get(PROJECT_NAME) ?? '');
  environment.set(PROJECT_NAME, name === '' ? 'bake' : name);
}

/** The project of the files that bake is given, which has no directory; its name is in the environment afterwards. */
export function projectScope(
  files: readonly NamedFile[],
  environment: Map<string, string>,
  shared: Shared,
): Scope {
  nameProject(files, environment, shared);
  return {
    shared,
    environment,
    environmentKey: '',
    workingDir: '',
    projectDir: '',
    extendsCache: new Map(),
  };
}
