/** What most builds say alike goes into one template, so that a flattened file reads as if a person had written it. */
import type { Json } from '../model/mod.ts';
import { createBuild, type Draft, type DraftBuild, isRecord } from './draft.ts';
import { freeName } from './names.ts';

/** Merged by their keys, so single entries can be shared. */
const MAP_KEYS: ReadonlySet<string> = new Set(['args', 'labels', 'annotations', 'extra-hosts', 'ulimits']);

/** Never shared: what makes a build this build. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'context',
  'contexts',
  'dockerfile',
  'dockerfile-inline',
  'target',
  'tags',
  'description',
  'extends',
]);

/** Fewer builds than this are easier to read with everything in place. */
const MIN_BUILDS = 3;

interface Part {
  readonly key: string;
  readonly name?: string;
  readonly value: Json;
}

/** Moves what is the same in most builds into a template that these extend. Meaning stays the same. */
export function shareCommon(draft: Draft): void {
  const counts = new Map<string, { readonly part: Part; readonly builds: DraftBuild[] }>();
  for (const build of draft.builds) {
    for (const part of partsOf(build)) {
      const identity = JSON.stringify([part.key, part.name ?? null, part.value]);
      const known = counts.get(identity) ?? { part, builds: [] };
      known.builds.push(build);
      counts.set(identity, known);
    }
  }
  const enough = Math.max(MIN_BUILDS, Math.ceil(draft.builds.length * 0.6));
  const shared: Part[] = [];
  let sharing: readonly DraftBuild[] = draft.builds;
  for (const { part, builds } of [...counts.values()].sort((a, b) => b.builds.length - a.builds.length)) {
    const both = sharing.filter((build) => builds.includes(build));
    if (both.length < enough) continue;
    shared.push(part);
    sharing = both;
  }
  // One line in a template saves nothing: every build gets a line that says `extends` for it.
  if (linesOf(shared) < 2) return;
  const taken = new Set([...draft.templates, ...draft.builds].map(({ name }) => name));
  const template = createBuild(freeName('common', taken));
  for (const part of shared) {
    if (part.name === undefined) template.keys.set(part.key, part.value);
    else template.keys.set(part.key, { ...asMap(template.keys.get(part.key)), [part.name]: part.value });
  }
  for (const build of sharing) {
    for (const part of shared) removePart(build, part);
    build.keys.set('extends', template.name);
  }
  draft.templates.push(template);
}

function linesOf(parts: readonly Part[]): number {
  return parts.reduce(
    (sum, { value }) => sum + (Array.isArray(value) ? Math.max(1, value.length - 1) : 1),
    0,
  );
}

function partsOf(build: DraftBuild): readonly Part[] {
  return [...build.keys].flatMap(([key, value]): Part[] => {
    if (OWN_KEYS.has(key)) return [];
    if (MAP_KEYS.has(key) && isRecord(value)) {
      return Object.entries(value).map(([name, inner]) => ({ key, name, value: inner as Json }));
    }
    // An empty list clears what is inherited, and there would be nothing to clear in the template.
    return Array.isArray(value) && value.length === 0 ? [] : [{ key, value }];
  });
}

function removePart(build: DraftBuild, part: Part): void {
  if (part.name === undefined) {
    build.keys.delete(part.key);
    return;
  }
  const { [part.name]: _removed, ...rest } = asMap(build.keys.get(part.key));
  if (Object.keys(rest).length === 0) build.keys.delete(part.key);
  else build.keys.set(part.key, rest);
}

function asMap(value: Json | undefined): Readonly<Record<string, Json>> {
  return isRecord(value) ? (value as Readonly<Record<string, Json>>) : {};
}
