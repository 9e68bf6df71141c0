/**
 * The text of a page of docs/, read from the files beside the source. In the bundles, a module with all pages replaces
 * this one (.ci/embed-docs.mjs).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Compiled files are one directory deeper, in dist/. */
const PLACES = ['../docs/', '../../docs/'];

/**
 * Reads a page.
 *
 * @param name as in {@link PAGE_NAMES}
 * @throws if it cannot be read
 */
export async function readPage(name: string): Promise<string> {
  const places = PLACES.map((place) => new URL(`${place}${name}.md`, import.meta.url));
  const [first] = places;
  if (first === undefined || first.protocol === 'file:')
    return readFile(places.find((one) => existsSync(one)) ?? first ?? name, 'utf8');
  // Deno runs the source from its published address, where the pages are too.
  const response = await fetch(first);
  if (!response.ok) throw new Error(`${first} answers ${response.status}`);
  return response.text();
}
