/** The rest of what planning imports of Node: what it asks of the system, and what loads a `builds.ts`, which the playground cannot. */

/** `node:os` */
export function arch(): string {
  return 'x64';
}

/** `node:url` */
export function pathToFileURL(file: string): URL {
  return new URL(`file://${encodeURI(file)}`);
}

const { URLSearchParams: BrowserSearchParams } = globalThis;

export { BrowserSearchParams as URLSearchParams };

/** `node:module` */
export const registerHooks: undefined = undefined;

export function register(): never {
  throw new Error('programs are not run in the playground');
}
