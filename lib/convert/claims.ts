/** The builds of a draft from a bake or Compose file, with their Dockerfiles as far as available. */
import { posix } from 'node:path';
import type { Json } from '../model/mod.ts';
import { escapePattern } from '../util/escape-pattern.ts';
import { isRemoteAddress } from '../util/remote-address.ts';
import { addNote, type Draft, type DraftBuild, scalarText } from './draft.ts';
import { createEffectiveReader, type EffectiveReader } from './effective.ts';
import type { Linkable } from './link.ts';
import { readRecipe } from './recipe.ts';
import type { Repository } from './repository.ts';

/** What a draft already builds. */
export interface Claims {
  readonly builds: readonly Linkable[];
  /** Whether one of its builds uses that Dockerfile. */
  readonly has: (path: string) => boolean;
}

/** Replaces a computed argument: a name that nothing here has. */
const UNKNOWN = 'not-known.invalid/computed';

/** Reads the builds of a draft. */
export function readClaims(draft: Draft, repository: Repository): Claims {
  const reader = createEffectiveReader(draft);
  const patterns = draft.builds.map((build) => pathPattern(build, reader));
  return {
    builds: draft.builds.map((build) => describe(build, draft, reader, repository)),
    has: (path) => patterns.some((pattern) => pattern?.test(path)),
  };
}

function describe(
  build: DraftBuild,
  draft: Draft,
  reader: EffectiveReader,
  { dockerfiles }: Repository,
): Linkable {
  const inline = reader.text(build, 'dockerfile-inline');
  const path = inline === undefined ? pathOf(build, reader) : undefined;
  const text = inline ?? (path === undefined ? undefined : dockerfiles.get(path));
  const contexts = reader.map(build, 'contexts');
  const edges = Object.values(contexts).flatMap((value) => {
    const to = /^build:(.+)$/.exec(scalarText(value) ?? '')?.[1];
    return to === undefined ? [] : [to];
  });
  const target = reader.text(build, 'target');
  const recipe =
    text === undefined
      ? undefined
      : readRecipe(path ?? '-', text, {
          args: new Map(
            Object.entries(reader.map(build, 'args')).map(([name, value]) => [
              name,
              constantOf(value, reader) ?? UNKNOWN,
            ]),
          ),
          contextNames: new Set(Object.keys(contexts)),
          ...(target === undefined ? {} : { target }),
        });
  if (recipe?.ok === false) {
    addNote(draft, `its Dockerfile cannot be read: ${recipe.error[0]?.message ?? path ?? ''}`, build.name);
  }
  const tags = tagsOf(build, reader);
  return {
    build,
    ...(path === undefined ? {} : { path }),
    ...(recipe?.ok === true ? { recipe: recipe.value } : {}),
    ...(tags === undefined ? {} : { tags }),
    edges,
    isSingle: reader.value(build, 'matrix') === undefined,
  };
}

function constantOf(value: Json, reader: EffectiveReader): string | undefined {
  const text = scalarText(value);
  return text === undefined ? undefined : reader.constant(text);
}

/** All tags as text; undefined if there are none, or one is computed. */
function tagsOf(build: DraftBuild, reader: EffectiveReader): readonly string[] | undefined {
  const written = reader.value(build, 'tags');
  if (!Array.isArray(written) || written.length === 0) return undefined;
  const tags = written.map((tag: Json) => constantOf(tag, reader));
  return tags.every((tag) => tag !== undefined) ? tags : undefined;
}

function pathOf(build: DraftBuild, reader: EffectiveReader): string | undefined {
  const context = reader.value(build, 'context') === undefined ? '.' : reader.text(build, 'context');
  const dockerfile =
    reader.value(build, 'dockerfile') === undefined ? 'Dockerfile' : reader.text(build, 'dockerfile');
  if (context === undefined || dockerfile === undefined || isRemoteAddress(context)) return undefined;
  return posix.join(context, dockerfile);
}

/** A pattern for the path of a build's Dockerfile: computed parts match any text. */
function pathPattern(build: DraftBuild, reader: EffectiveReader): RegExp | undefined {
  if (reader.value(build, 'dockerfile-inline') !== undefined) return undefined;
  const [context = '.', dockerfile = 'Dockerfile'] = ['context', 'dockerfile'].map((key) =>
    scalarText(reader.value(build, key)),
  );
  const marked = [context, dockerfile].map(
    (text) => reader.constant(text) ?? text.replaceAll(/\$\{\{.*?\}\}/g, '\0'),
  );
  const path = posix.join(...marked);
  const pattern = escapePattern(path).replaceAll('\0', '.*');
  return new RegExp(`^${pattern}$`);
}

/** Namespaces of the tags of a draft: `ghcr.io/acme/shop/web:1` is of `acme` and `shop`. */
export function ownersIn(tags: Iterable<string>): ReadonlySet<string> {
  const owners = new Set<string>();
  for (const tag of tags) {
    const parts = tag.split('/').slice(0, -1);
    const [head = ''] = parts;
    const isHost = head.includes('.') || head.includes(':') || head === 'localhost';
    for (const part of isHost ? parts.slice(1) : parts) owners.add(part.toLowerCase());
  }
  return owners;
}
