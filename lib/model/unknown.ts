/** Inputs that bake-ts cannot know. */

/** What makes the input unknown; there is advice for each (`lib/run/remedies.ts`). */
export type UnknownKind =
  /** ADD of a URL whose content is not pinned. */
  | 'download'
  /** A Dockerfile inside a git or http context. */
  | 'remote-dockerfile'
  /** A git or http context that may have changed. */
  | 'remote-context'
  /** An image whose digest is not available. */
  | 'image'
  /** Text that is not an image name. */
  | 'image-name'
  /** A base image whose variables and triggers cannot be read. */
  | 'base'
  /** A third-party frontend. */
  | 'frontend'
  /** An option that is passed through and whose effect is not known. */
  | 'option'
  /** A SOURCE_DATE_EPOCH that is not a number. */
  | 'epoch'
  /** A reference with a variable whose value is not known. */
  | 'value'
  /** A flag of a later Dockerfile syntax. */
  | 'flag'
  /** An ONBUILD line that cannot be read. */
  | 'trigger'
  /** A stage that does not exist. */
  | 'stage'
  /** A dependency without an image. */
  | 'parent'
  /** Files of a context that were not read. */
  | 'unread'
  /** A file of a context whose name is not UTF-8. */
  | 'file-name'
  /** A Dockerfile that is not UTF-8. */
  | 'encoding';

/** An input that cannot be known, so that its build is never skipped. */
export interface UnknownInput {
  /** The cause. */
  readonly kind: UnknownKind;
  /** Text that describes what is not known, without credentials. */
  readonly text: string;
  /** `image`, `image-name`: the reference as written. `parent`: the Dockerfile's name of the build. `option`: its name. */
  readonly subject?: string;
}

/** Sorts by text and removes duplicates. */
export function sortUnknowns(found: Iterable<UnknownInput>): readonly UnknownInput[] {
  const byText = new Map([...found].map((one) => [one.text, one] as const));
  return [...byText.values()].sort((one, other) => (one.text < other.text ? -1 : 1));
}
