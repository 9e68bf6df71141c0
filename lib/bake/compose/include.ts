/** `include`: whole projects, each with its own directory and env file (compose-go loader/include.go). */
import { readDotenv } from './dotenv.ts';
import { directoryOf, isAbsolutePath, joinPath } from './go-path.ts';
import { merge } from './merge.ts';
import {
  isNull,
  isSame,
  isText,
  kindOf,
  type MapNode,
  type Node,
  valueAt,
  withEntry,
  withoutEntry,
} from './node.ts';
import type { Report } from './report.ts';
import {
  applyResets,
  directoryFrom,
  type LoadModel,
  locate,
  type NamedFile,
  type Resets,
  readNamed,
  readOptional,
  type Scope,
} from './scope.ts';

/** Files may include one another so deep. */
const MAX_DEPTH = 100;

const SECTIONS = ['services', 'jobs', 'volumes', 'networks', 'secrets', 'configs', 'models'];

/** How a file that is included is come to. */
interface IncludingWay {
  readonly scope: Scope;
  /** The files on the way here. */
  readonly including: readonly string[];
  readonly loadModel: LoadModel;
}

/** A document with what it includes; `resets` are its own. */
export async function applyInclude(document: MapNode, resets: Resets, way: IncludingWay): Promise<MapNode> {
  const list = document.entries.get('include')?.value;
  if (list === undefined) return document;
  const { report } = way.scope.shared;
  let result = withoutEntry(document, 'include');
  if (isNull(list)) return result;
  if (list.kind !== 'list') {
    report.add(list.span, `include must be a list, not ${kindOf(list)}`);
    return result;
  }
  for (const item of list.items) {
    const wanted = readInclude(item, report);
    const model = wanted === undefined ? undefined : await loadInclude(wanted, way);
    if (model !== undefined) result = takeIn(model, result, resets, report);
  }
  return result;
}

interface Include {
  readonly paths: readonly Named[];
  readonly projectDirectory?: string;
  readonly envFiles: readonly Named[];
}

interface Named {
  readonly path: string;
  readonly node: Node;
}

function readInclude(item: Node, report: Report): Include | undefined {
  if (isText(item)) return { paths: [{ path: item.text, node: item }], envFiles: [] };
  if (item.kind !== 'map') {
    if (!isNull(item)) report.add(item.span, `A path or a map is expected here, not ${kindOf(item)}`);
    return undefined;
  }
  const paths = readPaths(valueAt(item, 'path'), report);
  const envFiles = readPaths(valueAt(item, 'env_file'), report);
  const directory = valueAt(item, 'project_directory');
  if (directory !== undefined && !isNull(directory) && !isText(directory)) {
    report.add(directory.span, `A path is expected here, not ${kindOf(directory)}`);
  }
  const projectDirectory = directory !== undefined && isText(directory) ? directory.text : '';
  if (paths === undefined || envFiles === undefined) return undefined;
  return { paths, envFiles, ...(projectDirectory === '' ? {} : { projectDirectory }) };
}

function readPaths(node: Node | undefined, report: Report): readonly Named[] | undefined {
  if (node === undefined || isNull(node)) return [];
  const items = node.kind === 'list' ? node.items : [node];
  const paths: Named[] = [];
  for (const item of items) {
    if (isText(item)) paths.push({ path: item.text, node: item });
    else report.add(item.span, `A path is expected here, not ${kindOf(item)}`);
  }
  return paths.length === items.length ? paths : undefined;
}

async function loadInclude(
  wanted: Include,
  { scope, including, loadModel }: IncludingWay,
): Promise<MapNode | undefined> {
  const { shared } = scope;
  const located = wanted.paths.map(({ path, node }) => ({ path: locate(path, scope), node }));
  const [main] = located;
  const mainPath = main?.path ?? '';
  const { workingDir, projectDir } = await directoriesOf(wanted, mainPath, scope);
  if (main !== undefined && including.length > MAX_DEPTH) {
    shared.report.add(main.node.span, `Files include one another more than ${MAX_DEPTH} levels deep`);
    return undefined;
  }
  if (main !== undefined && including.includes(mainPath)) {
    shared.report.add(
      main.node.span,
      `${mainPath} includes itself`,
      `Remove one of these: ${[...including.filter((name) => name !== ''), mainPath].join(' → ')}`,
    );
    return undefined;
  }
  const before = shared.report.problems.length;
  const files: NamedFile[] = [];
  for (const { path, node } of located) {
    const source = await readNamed(path, node.span, shared);
    if (source !== undefined) files.push({ name: path, source });
  }
  const own = await readEnvFiles(wanted, projectDir, scope);
  if (shared.report.problems.length > before) return undefined;
  const environment = own.size === 0 ? scope.environment : new Map([...own, ...scope.environment]);
  const environmentKey =
    own.size === 0 ? scope.environmentKey : `${scope.environmentKey}|${JSON.stringify([...own])}`;
  const key = JSON.stringify([located.map(({ path }) => path), workingDir, projectDir, environmentKey]);
  const known = shared.includes.get(key);
  if (known !== undefined) return known;
  const inner: Scope = {
    shared,
    environment,
    environmentKey,
    workingDir,
    projectDir,
    extendsCache: new Map(),
  };
  const model = await loadModel(files, inner, including);
  shared.includes.set(key, model);
  return model;
}

/** The directory of an included project, seen from this one and from where bake runs. */
async function directoriesOf(
  { projectDirectory }: Include,
  mainPath: string,
  scope: Scope,
): Promise<{ readonly workingDir: string; readonly projectDir: string }> {
  if (projectDirectory === undefined) {
    if (mainPath === '') return { workingDir: '', projectDir: '' };
    return { workingDir: await directoryOfMain(mainPath, scope), projectDir: directoryOf(mainPath) };
  }
  if (isAbsolutePath(projectDirectory)) return { workingDir: projectDirectory, projectDir: projectDirectory };
  return {
    workingDir: await directoryFrom(projectDirectory, false, scope),
    projectDir: joinPath(scope.workingDir, projectDirectory),
  };
}

/** As Compose has it, the path is put behind the directory once more where that is not where bake runs. */
function directoryOfMain(mainPath: string, scope: Scope): Promise<string> {
  return directoryFrom(mainPath, true, scope);
}

/** The variables of an include's env files, or of `.env` in its directory. */
async function readEnvFiles(
  { envFiles }: Include,
  projectDir: string,
  scope: Scope,
): Promise<ReadonlyMap<string, string>> {
  const { shared } = scope;
  const values = new Map<string, string>();
  const lookup = (name: string): string | undefined => scope.environment.get(name) ?? values.get(name);
  if (envFiles.length === 0) {
    const source = await readOptional(joinPath(projectDir, '.env'), shared);
    const wrong = source === undefined ? undefined : readDotenv(source, values, lookup);
    if (wrong !== undefined) shared.report.take(wrong);
    return values;
  }
  for (const { path, node } of envFiles) {
    if (path === '/dev/null') continue;
    const source = await readNamed(
      isAbsolutePath(path) ? path : joinPath(scope.workingDir, path),
      node.span,
      shared,
    );
    const wrong = source === undefined ? undefined : readDotenv(source, values, lookup);
    if (wrong !== undefined) shared.report.take(wrong);
  }
  return values;
}

/** What is included goes below what the document says itself. */
function takeIn(model: MapNode, document: MapNode, resets: Resets, report: Report): MapNode {
  let result = document;
  for (const kind of SECTIONS) {
    const from = model.entries.get(kind)?.value;
    if (from === undefined || isNull(from)) continue;
    const to = result.entries.get(kind)?.value;
    if (from.kind !== 'map' || (to !== undefined && to.kind !== 'map')) {
      const wrong = from.kind === 'map' ? (to ?? from) : from;
      report.add(
        result.entries.get(kind)?.keySpan ?? wrong.span,
        `${kind} must be a map, not ${kindOf(wrong)}`,
      );
      continue;
    }
    const entries = new Map(to?.entries);
    for (const [name, entry] of from.entries) {
      const own = entries.get(name);
      if (own === undefined) entries.set(name, entry);
      else if (!isSame(entry.value, own.value)) {
        const base = entry.value.kind === 'map' ? applyResets(entry.value, resets, kind, name) : entry.value;
        // Compose takes a dot in the name for a step down here, so that other rules hold below such a name, or none.
        const path = [kind, ...name.split('.')];
        entries.set(name, { ...own, value: merge(base, own.value, path, report) });
      }
    }
    result = withEntry(result, kind, { ...(to ?? from), entries });
  }
  return result;
}
