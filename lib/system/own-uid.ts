import process from 'node:process';

/**
 * Who runs this. Not by `userInfo` of node:os, which throws where the system knows no name for a number: in a root file system without
 * /etc/passwd, and for the numbers that clusters make up for their containers.
 */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}
