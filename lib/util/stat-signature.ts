/** The stat signature of a file: for finding out afterwards whether anybody touched it. */

/** The numbers of a file that change when it is written or replaced; times in nanoseconds since 1970. */
export interface FileNumbers {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** One text for all of them: the same text, the same untouched file. */
export function statSignature({ ino, size, mtimeNs, ctimeNs }: FileNumbers): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
