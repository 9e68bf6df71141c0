/**
 * One directory, watched for changes of its entries. On Linux Node watches a tree by walking it in JavaScript and misses
 * what happens meanwhile, so there each directory is watched by itself. Where the system or the runtime watches trees (Deno,
 * which also hands every event to every watch that is open), few watches are the better way.
 */
import { type FSWatcher, watch } from 'node:fs';
import process from 'node:process';

/** Whether watching a tree is done below JavaScript. */
export const WATCHES_TREES: boolean = process.platform !== 'linux' || process.versions['deno'] !== undefined;

/** What a watch calls. */
export interface DirectoryListener {
  /** `entry`: relative to the directory, undefined where it is not known; `came`: it may be new or gone. */
  readonly onChange: (entry: string | undefined, came: boolean) => void;
  /** The watch does not work (any more): a code such as `ENOSPC`, or a text. */
  readonly onFault: (code: string) => void;
}

/** Watches a directory until it is closed; `tree`: with everything below it. */
export function watchDirectory(
  directory: string,
  tree: boolean,
  { onChange, onFault }: DirectoryListener,
): { readonly close: () => void } {
  let watcher: FSWatcher | undefined;
  const close = (): void => watcher?.close();
  try {
    watcher = watch(directory, { recursive: tree }, (type, entry) =>
      onChange(entry === null || entry === '' ? undefined : String(entry), type === 'rename'),
    );
    watcher.on('error', (error) => onFault(faultCodeOf(error)));
  } catch (error) {
    onFault(faultCodeOf(error));
  }
  return { close };
}

/** Deno has texts where Node has codes. */
function faultCodeOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/no space left|limit.*watch|watch.*limit/i.test(message)) return 'ENOSPC';
  if (/too many open files/i.test(message)) return 'EMFILE';
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return /no such file|not found/i.test(message) ? 'ENOENT' : message;
}
