/**
 * Watches one directory for changes of its entries. On Linux, Node watches a tree by walking it in JavaScript and
 * misses changes meanwhile, so each directory is watched separately. Where the system or the runtime watches trees
 * (Deno, which also passes every event to every open watch), few watches are better.
 */
import { type FSWatcher, watch } from 'node:fs';
import process from 'node:process';

/** Whether trees are watched natively. */
export const WATCHES_TREES: boolean = process.platform !== 'linux' || process.versions['deno'] !== undefined;

/** Callbacks of a watch. */
export interface DirectoryListener {
  /** `entry`: relative to the directory, undefined if unknown; `came`: it may be new or gone. */
  readonly onChange: (entry: string | undefined, came: boolean) => void;
  /** The watch does not work, or no longer: a code such as `ENOSPC`, or a text. */
  readonly onFault: (code: string) => void;
}

/** Watches a directory until closed; `tree`: with all subdirectories. */
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

/** Deno has messages where Node has codes. */
function faultCodeOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/no space left|limit.*watch|watch.*limit/i.test(message)) return 'ENOSPC';
  if (/too many open files/i.test(message)) return 'EMFILE';
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return /no such file|not found/i.test(message) ? 'ENOENT' : message;
}
