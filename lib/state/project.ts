import { createHash } from 'node:crypto';

/** What a project is called in the state directory: two checkouts of one repository are two projects. */
export function projectName(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 16);
}
