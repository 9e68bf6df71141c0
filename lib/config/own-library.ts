/**
 * Modules of the user that import `bake-ts` where it is not installed: they get the copy that runs. By hooks of the runtime for
 * importing, which ask ordinary resolution first, so that what is installed goes before.
 */
import * as nodeModule from 'node:module';

/** What a module may import from `bake-ts`: the exports of the library by name. */
export type OwnLibrary = Readonly<Record<string, unknown>>;

const NAME = 'bake-ts';

/** Where the module that is imported in its place finds what it exports: modules share nothing else. */
const SHARED = Symbol.for('bake-ts/library');

type Next<A extends readonly unknown[]> = (...args: A) => unknown;

/** What @types/node 20 does not know: Node ≥ 22.15 and Deno ≥ 2.9 have it. */
interface SynchronousHooks {
  readonly registerHooks?: (hooks: {
    readonly resolve: (specifier: string, context: unknown, next: Next<[string, unknown]>) => unknown;
    readonly load: (url: string, context: unknown, next: Next<[string, unknown]>) => unknown;
  }) => { deregister?(): void };
}

const { registerHooks } = nodeModule as unknown as SynchronousHooks;

/**
 * Imports a module, with the running bake-ts for it and for the modules that it imports, where none is installed. Rejects as `import()`
 * does.
 *
 * @param text of the module
 */
export async function importModule(
  url: string,
  text: string,
  library: () => Promise<OwnLibrary>,
): Promise<unknown> {
  // Node 20 keeps what could not be resolved, so there hooks come first: where anything of the user's or ours is imported.
  if (registerHooks === undefined && /["'](?:\.|bake-ts["'])/.test(text))
    return importWithThread(url, await library());
  try {
    return await import(url);
  } catch (error) {
    if (registerHooks === undefined || !lacksLibrary(error)) throw error;
    // What failed may be kept under its address.
    return importWithLibrary(`${url}&again`, await library(), registerHooks);
  }
}

function lacksLibrary(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isMissing = 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isMissing && /["']bake-ts["']/.test(error.message.split('\n')[0] ?? '');
}

/** The address of a module that exports a library. */
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
  // Deno takes from a hook what is loaded already.
  await import(own);
  const hooks = register({
    resolve: (specifier, context, next) => {
      if (specifier !== NAME) return next(specifier, context);
      const found = { url: own, format: 'module', shortCircuit: true };
      // Deno's `next` makes a path of a name that it does not know; here it has said already that it knows none.
      if ('Deno' in globalThis) return found;
      try {
        return next(specifier, context);
      } catch {
        return found;
      }
    },
    // Without one, Deno looks into the module for what it imports before hooks are asked.
    load: (at, context, next) => next(at, context),
  });
  try {
    return await import(url);
  } finally {
    hooks.deregister?.();
  }
}

let hasThread = false;

/** The same for Node before 22.15, which runs hooks in a thread of their own. They stay, with the library that came first. */
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
