/**
 * Compose files read into one model (compose-go loader): each is interpolated, what it includes is taken in, services get
 * what they extend, and then it is merged over the files before it.
 */
import type { SourceFile } from '../../model/mod.ts';
import { renameExtensions, toCanonical, withDefaults } from './canonical.ts';
import { applyExtends } from './extends.ts';
import { applyInclude } from './include.ts';
import { interpolate } from './interpolate.ts';
import { enforceUnique, merge } from './merge.ts';
import { isNull, type MapNode, mapNode } from './node.ts';
import { onlyBuildsOf } from './only-builds.ts';
import { resolveEnvironment, resolvePaths } from './paths.ts';
import type { Report } from './report.ts';
import { applyResets, documentsOf, type NamedFile, type Resets, type Scope, watched } from './scope.ts';
import type { ComposeDocument } from './yaml.ts';

/** The model of several files; `including` are the files on the way here. */
export async function loadModel(
  files: readonly NamedFile[],
  scope: Scope,
  including: readonly string[],
): Promise<MapNode> {
  const { report, home } = scope.shared;
  let model = emptyModel(files[0]);
  for (const file of files) {
    const loaded = await loadFile(file, scope, { model, including, isBase: false });
    model = loaded.model;
  }
  model = withDefaults(model, report);
  model = resolvePaths(model, scope.workingDir, home, report);
  return resolveEnvironment(model, (name) => scope.environment.get(name));
}

function emptyModel(file: NamedFile | undefined): MapNode {
  const source = file?.source ?? { path: '', text: '' };
  return mapNode([], { source, start: 0, end: 0 });
}

/** What a file is read over. */
interface Onto {
  readonly model: MapNode;
  readonly including: readonly string[];
  /** Only services are wanted from it, for somebody extends one: neither its includes nor its extends are followed. */
  readonly isBase: boolean;
}

/** Reads one file over a model. */
async function loadFile(
  file: NamedFile,
  scope: Scope,
  onto: Onto,
): Promise<{ readonly model: MapNode; readonly resets: Resets }> {
  const { shared } = scope;
  let { model } = onto;
  let including = onto.including;
  let resets: Resets = [];
  for (const document of documentsOf(file.source, shared)) {
    resets = document.resets;
    including = [...including, file.name];
    const root = rootOf(document, file.source, shared.report);
    if (root === undefined) continue;
    const before = shared.report.problems.length;
    const lookup = watched(scope.environment, shared).get;
    const relevant = shared.onlyBuilds === true ? onlyBuildsOf(root) : root;
    let own = shared.fill?.(relevant, lookup) ?? interpolate(relevant, lookup, shared.report);
    // What could not be filled in would only be found wrong again.
    if (shared.report.problems.length > before) continue;
    own = renameExtensions(own, shared.report);
    if (!onto.isBase) own = await applyInclude(own, resets, { scope, including, loadModel });
    model = applyResets(model, resets);
    if (!onto.isBase)
      own = await applyExtends(own, resets, { file: file.name, scope, loadBase, visited: [] });
    model = merge(model, own, [], shared.report) as MapNode;
    model = enforceUnique(model, shared.report);
    model = toCanonical(model, shared.report);
    model = enforceUnique(model, shared.report);
  }
  return { model, resets };
}

function rootOf(document: ComposeDocument, source: SourceFile, report: Report): MapNode | undefined {
  const { root } = document;
  if (root?.kind === 'map') return root;
  const span = root?.span ?? { source, start: 0, end: Math.min(1, source.text.length) };
  const what = root === undefined || isNull(root) ? 'The document is empty' : 'The document is not a map';
  report.add(span, what, 'A Compose file begins with `services:`.');
  return undefined;
}

/** A file whose services somebody extends, with its paths below `workingDir`. */
async function loadBase(
  file: NamedFile,
  workingDir: string,
  scope: Scope,
): Promise<{ readonly model: MapNode; readonly resets: Resets }> {
  const { report, home } = scope.shared;
  const model = emptyModel(file);
  const loaded = await loadFile(file, scope, { model, including: [], isBase: true });
  return { ...loaded, model: resolvePaths(loaded.model, workingDir, home, report) };
}
