/** Checks that an imported file means the same as the original does to bake: reads both and compares their builds. */
import { isDeepStrictEqual } from 'node:util';
import { type PrintedSet, printBuilds, readBuilds } from '../lib/config/mod.ts';
import type { Imported } from '../lib/convert/mod.ts';

/** Where the imported file is read. */
export interface ProofSurroundings {
  readonly cwd: string;
  readonly now: Date;
  /** What bake calls the machine's platform. */
  readonly localPlatform: string;
}

/** Most differences that are listed. */
const MAX_SHOWN = 5;

/** The differences, one sentence each, in the files' own environment and with other values of their variables. */
export async function proveImport(
  { yaml, spellOut, variables, templates }: Imported,
  surroundings: ProofSurroundings,
): Promise<readonly string[]> {
  if (spellOut === undefined) return [];
  for (const env of probesOf(variables)) {
    const spelledOut = await spellOut(env);
    // Bake rejects these values, so there is nothing to compare.
    if (spelledOut === undefined) continue;
    const wanted = await readPrinted(spelledOut, {}, surroundings);
    if (typeof wanted === 'string') continue;
    const found = await readPrinted(yaml, env, surroundings);
    const where = describe(env);
    if (typeof found === 'string')
      return [`bake accepts the original${where}, but this file is invalid: ${found}`];
    const differences = compare(wanted, found, {
      templates: new Set(templates),
      localPlatform: surroundings.localPlatform,
    });
    if (differences.length === 0) continue;
    const more = differences.length - MAX_SHOWN;
    const shown = differences
      .slice(0, MAX_SHOWN)
      .map((one) => `differs from what bake makes of it${where}: ${one}`);
    return more > 0 ? [...shown, `and ${more} more differences`] : shown;
  }
  return [];
}

/** Values to try: the files' own, other texts, empty texts, and each flag as true and as false. */
function probesOf(variables: Imported['variables']): readonly Readonly<Record<string, string>>[] {
  const { texts = [], flags = [] } = variables ?? {};
  const all = (names: readonly string[], value: (name: string) => string): Readonly<Record<string, string>> =>
    Object.fromEntries(names.map((name) => [name, value(name)]));
  return [
    {},
    all(texts, (name) => `x-${name.toLowerCase().replaceAll('_', '-')}`),
    { ...all(texts, () => ''), ...all(flags, () => 'true') },
    all(flags, () => 'false'),
  ].filter((env, at) => at === 0 || Object.keys(env).length > 0);
}

function describe(env: Readonly<Record<string, string>>): string {
  const [first] = Object.entries(env);
  return first === undefined ? '' : ` where variables have other values (${first[0]}=${first[1]}, …)`;
}

async function readPrinted(
  text: string,
  env: Readonly<Record<string, string>>,
  { cwd, now }: ProofSurroundings,
): Promise<PrintedSet | string> {
  const read = await readBuilds({ cwd, env, now, files: ['-'], stdin: text });
  if (read.ok) return printBuilds(read.value.set);
  const [first] = read.error;
  return first?.message ?? 'it cannot be read';
}

/** Targets that became templates are not builds, and bake-ts does not inherit descriptions. */
function compare(
  wanted: PrintedSet,
  found: PrintedSet,
  { templates, localPlatform }: { readonly templates: ReadonlySet<string>; readonly localPlatform: string },
): readonly string[] {
  const differences: string[] = [];
  for (const [name, build] of Object.entries(wanted.builds)) {
    const other = found.builds[name];
    if (other === undefined) {
      if (!templates.has(name)) differences.push(`there is no build ${name}`);
      continue;
    }
    for (const key of new Set([...Object.keys(build), ...Object.keys(other)])) {
      const [a, b] = [build[key as keyof typeof build], other[key as keyof typeof other]];
      if (
        key !== 'description' &&
        !isDeepStrictEqual(plain(key, a, localPlatform), plain(key, b, localPlatform))
      )
        differences.push(`${name}: ${key} is ${shorten(b)}, not ${shorten(a)}`);
    }
  }
  for (const name of Object.keys(found.builds))
    if (wanted.builds[name] === undefined) differences.push(`bake has no target for the build ${name}`);
  return differences;
}

/** Normalises what may be written differently: `./a` and `a`, `local` and the machine's platform, the order of maps. */
function plain(key: string, value: unknown, localPlatform: string): unknown {
  if (key === 'context' && typeof value === 'string')
    return value.replace(/^\.\/(?=.)/, '').replace(/(.)\/$/, '$1');
  if (key === 'platforms' && Array.isArray(value))
    return value.map((one: unknown) => (one === 'local' ? localPlatform : one));
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

function shorten(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
