/**
 * `buildctl-options`: words for `buildctl build`, read as buildctl reads them (cmd/buildctl/build.go and main.go of BuildKit
 * 0.34; urfave/cli: one dash or two, the value behind `=` or in the next word; options of buildctl itself count here, too).
 */
import type { BuildctlOption } from '../model/mod.ts';
import { formatCsv, parseFields } from '../util/csv.ts';
import { option } from '../util/option-words.ts';
import { absolutePath, type PathOptions, shownInRoot } from './absolute-path.ts';
import { at, type Node } from './tree.ts';
import type { Values } from './values.ts';

/** Options that are given in another way, or not at all → what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  addr: `Choose the engine for the whole run: ${option('--addr')}, BUILDKIT_HOST or \`engine.address\`.`,
  allow: 'Use `entitlements`.',
  'export-cache': 'Use `cache-to`.',
  frontend: 'Use `frontend` and `source`.',
  h: 'Remove it: it builds nothing.',
  help: 'Remove it: it builds nothing.',
  'import-cache': 'Use `cache-from`.',
  local: 'Use `context` and `contexts`.',
  'metadata-file': 'Use `bake-ts run --metadata-file`, for the whole run.',
  'no-cache': 'Use `no-cache`.',
  o: 'Use `tags` and `push`, or `outputs`.',
  'oci-layout': 'Use `contexts: { NAME: "oci-layout://DIR" }`.',
  opt: 'Use `opts`.',
  output: 'Use `tags` and `push`, or `outputs`.',
  progress: 'Use `bake-ts run --progress`.',
  secret: 'Use `secrets`.',
  'source-policy-file': 'Remove it: bake-ts writes it from builds.lock and the resolved images.',
  ssh: 'Use `ssh`.',
  tlscacert: 'Use `engine.tls` in builds.yaml.',
  tlscert: 'Use `engine.tls` in builds.yaml.',
  tlsdir: 'Use `engine.tls` in builds.yaml.',
  tlskey: 'Use `engine.tls` in builds.yaml.',
  tlsservername: 'Use `engine.tls` in builds.yaml.',
  v: 'Remove it: it builds nothing.',
  version: 'Remove it: it builds nothing.',
};

type Files = NonNullable<BuildctlOption['files']>;

/** A value with its paths made absolute, and as `print` shows it. */
interface ReadValue {
  readonly value: string;
  readonly written: string;
  readonly files: Files;
}

/** A path as buildctl is to get it, and as `print` is to show it. */
type Locate = (path: string) => { readonly path: string; readonly written: string };

interface Known {
  /** Without a value. */
  readonly isSwitch?: true;
  /** The result is the same with and without it. */
  readonly isHarmless: boolean;
  /** Undefined where the value cannot be read; absent: it names no file. */
  readonly read?: (value: string, locate: Locate) => ReadValue | undefined;
}

/** Options that are handed on. */
const KNOWN: Readonly<Record<string, Known>> = {
  debug: { isSwitch: true, isHarmless: true },
  'debug-json-cache-metrics': {
    isHarmless: true,
    read: (value, locate) => (/^std(?:out|err)$/.test(value) ? asItIs(value) : writtenFile(value, locate)),
  },
  'log-format': { isHarmless: true },
  // What a step fetches goes another way, and may be refused.
  'proxy-network': { isSwitch: true, isHarmless: false },
  'ref-file': { isHarmless: true, read: writtenFile },
  'registry-auth-tlscontext': { isHarmless: true, read: tlsContext },
  timeout: { isHarmless: true },
  trace: { isHarmless: true, read: writtenFile },
  wait: { isSwitch: true, isHarmless: true },
};

function asItIs(value: string): ReadValue {
  return { value, written: value, files: [] };
}

function writtenFile(value: string, locate: Locate): ReadValue {
  const { path, written } = locate(value);
  return { value: path, written, files: [{ path, written, use: 'written' }] };
}

/** `host=…,ca=FILE,cert=FILE,key=FILE` (cmd/buildctl/build/registryauthtlscontext.go). */
function tlsContext(value: string, locate: Locate): ReadValue | undefined {
  const fields = parseFields(value);
  if (fields === undefined) return undefined;
  const files: Files[number][] = [];
  const read: string[] = [];
  const shown: string[] = [];
  for (const [name, text] of fields) {
    const isFile = /^(?:ca|cert|key)$/i.test(name) && text !== undefined && text !== '';
    const found = isFile ? locate(text) : undefined;
    if (found !== undefined) files.push({ ...found, use: 'certificate' });
    read.push(text === undefined ? name : `${name}=${found?.path ?? text}`);
    shown.push(text === undefined ? name : `${name}=${found?.written ?? text}`);
  }
  return { value: formatCsv(read), written: formatCsv(shown), files };
}

/** Names of all options that are refused, and of those that are handed on; for the table of docs/buildctl.md. */
export const BUILDCTL_OPTIONS: {
  readonly refused: readonly string[];
  readonly known: readonly string[];
} = { refused: Object.keys(REFUSED), known: Object.keys(KNOWN) };

interface Word {
  readonly text: string;
  readonly node: Node;
}

/** An option with its value, if it has one. */
interface Written {
  readonly dashes: string;
  readonly name: string;
  readonly node: Node;
  /** What stands behind `=`. */
  readonly assigned?: string;
  readonly words: readonly string[];
}

/** `buildctl-options`; those that bake-ts gives itself, and words that are no option, are problems. */
export function readBuildctlOptions(values: Values, paths: PathOptions): readonly BuildctlOption[] {
  const items = values.replaced('buildctl-options');
  if (items.length === 0) return [];
  const words = items.flatMap((item): readonly Word[] => {
    const text = values.textOf(item, 'an item of buildctl-options');
    return text === undefined ? [] : [{ text, node: item.node }];
  });
  return splitWords(words, values).flatMap((written) => readOption(written, values, paths) ?? []);
}

const OPTION = /^(--?)([^-=][^=]*)(?:=(.*))?$/s;

function splitWords(words: readonly Word[], values: Values): readonly Written[] {
  const found: Written[] = [];
  for (let index = 0; index < words.length; index++) {
    const { text, node } = words[index] as Word;
    const [, dashes, name = '', assigned] = OPTION.exec(text) ?? [];
    if (dashes === undefined) {
      values.fail('config/buildctl-option', `"${text}" is not an option of buildctl`, node, {
        hint: 'Write --NAME=VALUE; buildctl ignores other arguments.',
      });
      continue;
    }
    const known = knownOption(name);
    const rest: string[] = [];
    // Whether an unknown one takes a value nobody knows; its words stay together. buildctl would take the next option for
    // the value of a known one.
    while (assigned === undefined && known?.isSwitch !== true) {
      const next = words[index + 1]?.text;
      if (
        next === undefined ||
        (known === undefined ? next.startsWith('-') : rest.length > 0 || OPTION.test(next))
      )
        break;
      rest.push(next);
      index++;
    }
    found.push({
      dashes,
      name,
      node,
      words: [text, ...rest],
      ...(assigned === undefined ? {} : { assigned }),
    });
  }
  return found;
}

function knownOption(name: string): Known | undefined {
  return Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
}

function readOption(
  { dashes, name, node, assigned, words }: Written,
  values: Values,
  paths: PathOptions,
): BuildctlOption | undefined {
  const refuse = (message: string, hint: string): undefined =>
    values.fail('config/buildctl-option', message, node, { hint }) as undefined;
  if (Object.hasOwn(REFUSED, name))
    return refuse(`"${dashes}${name}" cannot be given in buildctl-options`, REFUSED[name] ?? '');
  const known = knownOption(name);
  if (known === undefined)
    return { name: `${dashes}${name}`, words, written: words, isHarmless: false, ...at(node) };
  const { isHarmless, isSwitch } = known;
  const flag = `--${name}`;
  if (isSwitch === true) {
    const all = [assigned === undefined ? flag : `${flag}=${assigned}`];
    return { name: flag, words: all, written: all, isHarmless, files: [], ...at(node) };
  }
  const value = assigned ?? words[1] ?? '';
  if (value === '') return refuse(`"${flag}" needs a value`, `Write ${flag}=VALUE.`);
  const { dir } = node.origin;
  const locate: Locate = (text) => ({
    path: absolutePath(text, dir, paths),
    written: shownInRoot(text, dir, paths),
  });
  const found = known.read === undefined ? asItIs(value) : known.read(value, locate);
  if (found === undefined)
    return refuse(`"${value}" cannot be read as the value of ${flag}`, 'Close the quote in it.');
  return {
    name: flag,
    words: [`${flag}=${found.value}`],
    written: [`${flag}=${found.written}`],
    isHarmless,
    files: found.files,
    ...at(node),
  };
}
