/** The values of a draft's build including those of its parents, as far as they are plain text. */
import type { Json } from '../model/mod.ts';
import { type Draft, type DraftBuild, isRecord, scalarText } from './draft.ts';

/** Reads builds of one draft. Values are undefined if they are computed from more than variables with plain defaults. */
export interface EffectiveReader {
  readonly value: (build: DraftBuild, key: string) => Json | undefined;
  readonly text: (build: DraftBuild, key: string) => string | undefined;
  readonly constant: (text: string) => string | undefined;
  /** A map merged from parents and build. */
  readonly map: (build: DraftBuild, key: string) => Readonly<Record<string, Json>>;
}

/** Creates a reader for the builds of a draft. */
export function createEffectiveReader(draft: Draft): EffectiveReader {
  const named = new Map([...draft.templates, ...draft.builds].map((build) => [build.name, build]));
  const defaults = new Map(
    draft.variables.flatMap(({ name, value }): (readonly [string, string])[] => {
      const text = scalarText(isRecord(value) ? value['default'] : value);
      return text === undefined || text.includes('${{') ? [] : [[name, text]];
    }),
  );

  /** A build after its parents; later ones take precedence. */
  function lineage(build: DraftBuild, open: readonly string[] = []): readonly DraftBuild[] {
    const parents = [build.keys.get('extends') ?? []].flat().flatMap((name) => {
      const parent = typeof name === 'string' && !open.includes(name) ? named.get(name) : undefined;
      return parent === undefined || parent === build ? [] : lineage(parent, [...open, build.name]);
    });
    return [...parents, build];
  }

  function constant(text: string): string | undefined {
    const filled = text.replaceAll(
      /(\$?)\$\{\{\s*vars\.([A-Za-z_]\w*)\s*\}\}/g,
      (whole, dollar: string, name: string) => (dollar === '' ? (defaults.get(name) ?? whole) : whole),
    );
    return /(?<!\$)\$\{\{/.test(filled) ? undefined : filled.replaceAll('$${{', () => '${{');
  }

  function value(build: DraftBuild, key: string): Json | undefined {
    return lineage(build)
      .findLast(({ keys }) => keys.has(key))
      ?.keys.get(key);
  }

  return {
    value,
    constant,
    text: (build, key) => {
      const text = scalarText(value(build, key));
      return text === undefined ? undefined : constant(text);
    },
    map: (build, key) =>
      Object.assign(
        {},
        ...lineage(build).map(({ keys }) => (isRecord(keys.get(key)) ? keys.get(key) : {})),
      ) as Readonly<Record<string, Json>>,
  };
}
