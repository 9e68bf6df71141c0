/**
 * Lets modules of the user import `bake-ts` if it is not installed: they get the running copy. Uses import hooks of the
 * runtime, which try normal resolution first, so that an installed package takes precedence.
 */
import * as nodeModule from 'node:module';

/** The exports of the library by name, for imports from `bake-ts`. */
export type OwnLibrary = Readonly<Record<string, unknown>>;

const NAME = 'bake-ts';

/** Where the replacement module finds its exports: modules share nothing else. */
const SHARED = Symbol.for('bake-ts/library');

type Next<A extends readonly unknown[]> = (...args: A) => unknown;

/** Missing in @types/node 20; Node ≥ 22.15 and Deno ≥ 2.9 have it. */
interface SynchronousHooks {
  readonly registerHooks?: (hooks: {
    readonly resolve: (specifier: string, context: unknown, next: Next<[string, unknown]>) => unknown;
    readonly load: (url: string, context: unknown, next: Next<[string, unknown]>) => unknown;
  }) => { deregister?(): void };
}

const { registerHooks } = nodeModule as unknown as SynchronousHooks;

/**
 * Imports a module. It and the modules that it imports get the running bake-ts if none is installed. Rejects like
 * `import()`.
 *
 * @param text of the module
 */
export async function importModule(
  url: string,
  text: string,
  library: () => Promise<OwnLibrary>,
): Promise<unknown> {
  // Node 20 caches failed resolutions, so hooks are registered first if the module imports other files or bake-ts.
  if (registerHooks === undefined && /["'](?:\.|bake-ts["'])/.test(text))
    return importWithThread(url, await library());
  try {
    return await import(url);
  } catch (error) {
    if (registerHooks === undefined || !lacksLibrary(error)) throw error;
    // The failed import may be cached under its URL.
    return importWithLibrary(`${url}&again`, await library(), registerHooks);
  }
}

function lacksLibrary(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isMissing = 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isMissing && /["']bake-ts["']/.test(error.message.split('\n')[0] ?? '');
}

/** The URL of a module that exports a library. */
function addressOf(library: OwnLibrary): string {
  (globalThis as Record<symbol, unknown>)[SHARED] = library;
  const shared = `globalThis[Symbol.for(${JSON.stringify(SHARED.description)})]`;
  const code = `export const { ${Object.keys(library).join(', ')} } = ${shared};\n`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function importWithLibrary(
  url: string,
  library: OwnLibrary,
  register: NonNullable<SynchronousHooks['registerHooks']>,
): Promise<unknown> {
  const own = addressOf(library);
  // Deno's hooks only accept modules that are already loaded.
  await import(own);
  const hooks = register({
    resolve: (specifier, context, next) => {
      if (specifier !== NAME) return next(specifier, context);
      const found = { url: own, format: 'module', shortCircuit: true };
      // Deno's `next` converts an unknown name to a path; at this point it has already failed to resolve it.
      if ('Deno' in globalThis) return found;
      try {
        return next(specifier, context);
      } catch {
        return found;
      }
    },
    // Without this hook, Deno analyses the module's imports before it calls hooks.
    load: (at, context, next) => next(at, context),
  });
  try {
    return await import(url);
  } finally {
    hooks.deregister?.();
  }
}

let hasThread = false;

/** The same for Node before 22.15, which runs hooks in a separate thread. They stay registered, with the first library. */
async function importWithThread(url: string, library: OwnLibrary): Promise<unknown> {
  const own = addressOf(library);
  if (!hasThread) nodeModule.register(`data:text/javascript,${encodeURIComponent(threadHook(own))}`);
  hasThread = true;
  return import(url);
}

function threadHook(own: string): string {
  return `export async function resolve(specifier, context, next) {
  if (specifier !== ${JSON.stringify(NAME)}) return next(specifier, context);
  try {
    return await next(specifier, context);
  } catch {
    return { url: ${JSON.stringify(own)}, format: 'module', shortCircuit: true };
  }
}`;
}
