/** Names that have a meaning in every expression of a builds file (docs/language.md, "Expressions"). */

/** Reserved words of CEL (https://github.com/google/cel-spec/blob/master/doc/langdef.md, "Syntax"). */
export const RESERVED_WORDS: ReadonlySet<string> = words(
  'true false null in as break const continue else for function if import let loop package namespace return var void while',
);

/** Objects that expressions read values from. */
export const ROOT_NAMES: ReadonlySet<string> = words('vars env matrix build git now value');

/** Functions that are called without a receiver: bake-ts's and CEL's. */
export const BARE_FUNCTIONS: ReadonlySet<string> = words(
  'semver slug fromJSON toJSON readText readJSON sha256 sha1 md5 range ' +
    'size string int uint double bool bytes dyn type has timestamp duration matches',
);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
