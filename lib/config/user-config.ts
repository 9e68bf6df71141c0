/**
 * The user's own settings, which repositories cannot change: permanent grants for builds in given directories.
 *
 * ```yaml
 * # ~/.config/bake-ts/config.yaml
 * allow:
 *   ~/src/shop: [read:~/src/shared, network.host]
 * ```
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fail, ok, type Problem, parseGrant, problem, type Result } from '../model/mod.ts';
import { homeOf, isWithin, RealPaths } from '../system/mod.ts';
import { missingPermissions } from '../util/permission.ts';
import { absolutePath } from './absolute-path.ts';
import { parseText } from './parse.ts';
import { at, atKey, isNull, type MapNode, type Node } from './tree.ts';

/** The absolute path of the file: below `XDG_CONFIG_HOME` or `~/.config`; undefined: there is no home directory. */
export function userConfigFile(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const own = env['XDG_CONFIG_HOME'];
  const home = homeOf(env);
  const base =
    own !== undefined && isAbsolute(own) ? own : home === undefined ? undefined : join(home, '.config');
  return base === undefined ? undefined : join(base, 'bake-ts', 'config.yaml');
}

/**
 * Reads the grants of the user's own file for a directory, from the entries of all directories that contain it.
 *
 * @param directory absolute
 * @returns grants with absolute paths, none if there is no file; every problem of the file (`config/user-config`)
 */
export async function readUserGrants(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Result<readonly string[]>> {
  const file = userConfigFile(env);
  if (file === undefined) return ok([]);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok([]);
    // Without the file nothing more is allowed, and missing grants are reported later.
    if (missingPermissions(thrown) !== undefined) return ok([]);
    return fail([wrong(`${file} cannot be read (${code})`, 'Make it readable, or remove it.')]);
  }
  const { node, problems } = await parseText({ source: { path: file, text }, dir: directory });
  if (node === undefined || isNull(node)) return problems.length > 0 ? fail(problems) : ok([]);
  const reader = new Reader(directory, env);
  reader.read(node);
  const found = [...problems, ...reader.problems];
  return found.length > 0 ? fail(found) : ok(reader.grants);
}

function wrong(message: string, hint: string, node?: Node): Problem {
  return problem('config/user-config', message, { hint, ...(node === undefined ? {} : at(node)) });
}

class Reader {
  readonly grants: string[] = [];
  readonly problems: Problem[] = [];
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #realPaths = new RealPaths();

  constructor(directory: string, env: Readonly<Record<string, string | undefined>>) {
    this.#directory = this.#realPaths.of(directory);
    this.#env = env;
  }

  read(root: Node): void {
    if (root.kind !== 'map') {
      this.#wrong('The settings must be a map', root);
      return;
    }
    for (const entry of root.entries.values()) {
      if (entry.key !== 'allow') {
        const place = atKey(root, entry);
        this.problems.push({ ...wrong(`There is no setting "${entry.key}"`, 'Use allow.'), ...place });
      } else if (entry.value.kind === 'map') this.#readAllow(entry.value);
      else if (!isNull(entry.value)) this.#wrong('`allow` must be a map of directories', entry.value);
    }
  }

  #readAllow(allow: MapNode): void {
    for (const { key, value } of allow.entries.values()) {
      const paths = { root: '/', env: this.#env };
      const directory = absolutePath(key, '/', paths);
      const items = value.kind === 'list' ? value.items : [value];
      const counts = isWithin(this.#directory, [this.#realPaths.of(directory)]);
      for (const item of items) {
        const grant = item.kind === 'scalar' ? parseGrant(item.text) : undefined;
        if (grant === undefined) this.#wrong('This is not a valid grant', item);
        else if (counts && (grant.kind === 'read' || grant.kind === 'write'))
          this.grants.push(`${grant.kind}:${absolutePath(grant.path, directory, paths)}`);
        else if (counts && item.kind === 'scalar') this.grants.push(item.text);
      }
    }
  }

  #wrong(message: string, node: Node): void {
    this.problems.push(
      wrong(message, 'Write: allow: { ~/src/shop: [read:~/src/shared, network.host] }', node),
    );
  }
}
