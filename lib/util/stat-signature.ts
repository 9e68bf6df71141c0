/** The stat signature of a file, to detect changes later. */

/** Numbers that change when a file is written or replaced; times in nanoseconds since 1970. */
export interface FileNumbers {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** The numbers as one text: equal texts mean an unchanged file. */
export function statSignature({ ino, size, mtimeNs, ctimeNs }: FileNumbers): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
