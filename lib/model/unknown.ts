/** Inputs that cannot be known from here. */

/** What would have to be different for an input to be known: there is advice for each (`lib/run/remedies.ts`). */
export type UnknownKind =
  /** ADD of an address whose content is not pinned. */
  | 'download'
  /** A Dockerfile inside a git or http context. */
  | 'remote-dockerfile'
  /** A git or http context that may have moved. */
  | 'remote-context'
  /** An image whose digest cannot be had. */
  | 'image'
  /** Text that names no image. */
  | 'image-name'
  /** A base image whose variables and triggers cannot be read. */
  | 'base'
  /** A frontend of somebody else's. */
  | 'frontend'
  /** An option that is handed on, and of which nobody knows here what it does. */
  | 'option'
  /** A SOURCE_DATE_EPOCH that is not a number. */
  | 'epoch'
  /** A reference with a variable in it that has no known value. */
  | 'value'
  /** A flag of a later Dockerfile syntax. */
  | 'flag'
  /** An ONBUILD line that cannot be read. */
  | 'trigger'
  /** A stage that is not there. */
  | 'stage'
  /** A build that another one reads, without an image. */
  | 'parent'
  /** Files of a context that nobody read. */
  | 'unread'
  /** A file of a context whose name is not UTF-8. */
  | 'file-name'
  /** A Dockerfile that is not UTF-8. */
  | 'encoding';

/** An input that cannot be known, so that its build always runs. */
export interface UnknownInput {
  /** What would have to be different. */
  readonly kind: UnknownKind;
  /** What is not known, in words without credentials. */
  readonly text: string;
  /** `image`, `image-name`: the reference as written. `parent`: what the Dockerfile calls the build. `option`: its name. */
  readonly subject?: string;
}

/** Each once, in the order of their texts. */
export function sortUnknowns(found: Iterable<UnknownInput>): readonly UnknownInput[] {
  const byText = new Map([...found].map((one) => [one.text, one] as const));
  return [...byText.values()].sort((one, other) => (one.text < other.text ? -1 : 1));
}
