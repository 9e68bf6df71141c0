/** `--set 'PATTERN.key[.sub]=value'` and `+=`: one more layer above those of the files. */
import { problem } from '../model/mod.ts';
import { splitCsv } from '../util/csv.ts';
import { compileGlob } from '../util/glob.ts';
import { suggest } from '../util/suggest.ts';
import { KEY_RULES, type KeyRule, OVERRIDE_ALIASES } from './keys.ts';
import type { Problems } from './problems.ts';
import type { ListNode, MapEntry, MapNode, Node, Origin, ScalarNode } from './tree.ts';

/** A parsed override. */
interface Override {
  readonly text: string;
  readonly pattern: string;
  readonly key: string;
  readonly sub?: string;
  readonly value: string;
  readonly append: boolean;
  readonly origin: Origin;
}

/** Layers by build name; each key has the nodes to add, lowest first. */
export type OverrideLayers = ReadonlyMap<string, ReadonlyMap<string, readonly Node[]>>;

/** Names that patterns are compared with. */
export interface OverrideTargets {
  readonly builds: Iterable<string>;
  /** A matrix build's own name means all its rows. */
  readonly matrices: ReadonlyMap<string, readonly string[]>;
}

/** Parses all overrides and applies them to the builds that they match; one that matches nothing is a problem. */
export function layOverrides(
  texts: readonly string[],
  cwd: string,
  targets: OverrideTargets,
  problems: Problems,
  keysOfBake: readonly string[] = [],
): OverrideLayers {
  const perBuild = new Map<string, Override[]>();
  const names = [...targets.builds];
  for (const text of texts) {
    const origin: Origin = { source: { path: '--set', text, isCommandLine: true }, dir: cwd };
    const override = parseOverride(text, origin, keysOfBake, problems);
    if (override === undefined) continue;
    const matched = matchBuilds(override.pattern, names, targets.matrices);
    if (matched.length === 0) {
      const near = suggest(override.pattern, [...names, ...targets.matrices.keys()]);
      problems.add(
        problem(
          'config/override-no-match',
          `No build matches "${override.pattern}" of the override ${text}`,
          {
            hint: near === undefined ? `Builds: ${listNames(names)}.` : `Did you mean "${near}"?`,
            span: { source: origin.source, start: 0, end: override.pattern.length },
          },
        ),
      );
    }
    for (const name of matched) {
      const known = perBuild.get(name);
      if (known === undefined) perBuild.set(name, [override]);
      else known.push(override);
    }
  }
  const layers = new Map<string, ReadonlyMap<string, readonly Node[]>>();
  for (const [name, overrides] of perBuild) layers.set(name, layerOf(overrides));
  return layers;
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

function matchBuilds(
  pattern: string,
  names: readonly string[],
  matrices: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const matches = compileGlob(pattern);
  const found = new Set<string>();
  for (const [matrix, rows] of matrices) if (matches(matrix)) for (const row of rows) found.add(row);
  return names.filter((name) => found.has(name) || matches(name));
}

/**
 * Parses an override. Names may contain dots, so the key is the first part that is one: `api-3.12.args.X=1` sets args of
 * `api-3.12`.
 *
 * @param keysOfBake keys that bake accepts if only its files are read
 */
function parseOverride(
  text: string,
  origin: Origin,
  keysOfBake: readonly string[],
  problems: Problems,
): Override | undefined {
  const equals = text.indexOf('=');
  const whole = { span: { source: origin.source, start: 0, end: text.length } };
  // Without a key there is no pattern, and nothing to set.
  if (equals <= 0 || text.startsWith('.')) {
    problems.add(
      problem('config/override', `The override ${text} is not PATTERN.key=value`, {
        hint: "For example 'api.args.MODE=prod', or '*.platforms+=linux/arm64'.",
        ...whole,
      }),
    );
    return undefined;
  }
  const append = text[equals - 1] === '+';
  const left = text.slice(0, append ? equals - 1 : equals);
  const value = text.slice(equals + 1);
  const parts = left.split('.');
  for (let at = 1; at < parts.length; at++) {
    const written = parts[at] ?? '';
    const key = OVERRIDE_ALIASES[written] ?? written;
    const rule = Object.hasOwn(KEY_RULES, key) ? KEY_RULES[key] : undefined;
    if (rule === undefined) continue;
    const pattern = parts.slice(0, at).join('.');
    const sub = parts.slice(at + 1).join('.');
    return checkOverride(
      { text, pattern, key, ...(sub === '' ? {} : { sub }), value, append, origin },
      rule,
      problems,
    );
  }
  const last = parts.length > 1 ? (parts[1] ?? '') : '';
  const own = Object.keys(KEY_RULES).filter((key) => !keysOfBake.includes(key));
  const near = suggest(last, [...keysOfBake, ...own]);
  const keys =
    keysOfBake.length === 0
      ? own.join(', ')
      : `${keysOfBake.join(', ')}; or, which bake does not have, ${own.join(', ')}`;
  const start = parts.length > 1 ? (parts[0]?.length ?? 0) + 1 : 0;
  problems.add(
    problem(
      'config/override',
      last === '' ? `The override ${text} names no key` : `An override cannot set "${last}"`,
      {
        hint: near === undefined ? `Write PATTERN.key=value with one of ${keys}.` : `Did you mean "${near}"?`,
        span: { source: origin.source, start, end: Math.max(start + last.length, start + 1) },
      },
    ),
  );
  return undefined;
}

function checkOverride(override: Override, rule: KeyRule, problems: Problems): Override | undefined {
  const { key, sub, append, text, origin } = override;
  const location = { span: { source: origin.source, start: 0, end: text.length } };
  if (rule === 'map' && sub === undefined) {
    problems.add(
      problem('config/override', `The override ${text}: "${key}" is a map and needs the name of an entry`, {
        hint: `Write ${override.pattern}.${key}.NAME=${override.value}.`,
        ...location,
      }),
    );
    return undefined;
  }
  if (rule !== 'map' && rule !== 'whole' && sub !== undefined) {
    problems.add(
      problem('config/override', `The override ${text}: "${key}" has no entries`, {
        hint: `Write ${override.pattern}.${key}=${override.value}.`,
        ...location,
      }),
    );
    return undefined;
  }
  if (append && rule !== 'replace' && rule !== 'append') {
    problems.add(
      problem('config/override', `The override ${text}: += works on lists only, and "${key}" is not a list`, {
        hint: 'Write = instead.',
        ...location,
      }),
    );
    return undefined;
  }
  return override;
}

function layerOf(overrides: readonly Override[]): ReadonlyMap<string, readonly Node[]> {
  const nodes = new Map<string, Node[]>();
  for (const override of overrides) {
    const rule = KEY_RULES[override.key];
    const known = nodes.get(override.key) ?? [];
    nodes.set(override.key, known);
    if (rule === 'replace' || rule === 'append') addListItem(known, override, rule);
    else if (override.sub === undefined) known.push(scalarOf(override, override.value));
    else known.push(mapOf(override, override.sub));
  }
  return nodes;
}

/** `=` starts a new list, and further `=` of the same key add to it; `+=` appends to the existing list. */
function addListItem(known: Node[], override: Override, rule: KeyRule): void {
  const items = listItems(override);
  const location = locationOf(override);
  const last = known.at(-1);
  if (override.append) {
    known.push({ kind: 'list', items, append: true, ...location });
    return;
  }
  if (last?.kind === 'list' && known.some((node) => node.kind === 'list' && node.append !== true)) {
    known[known.length - 1] = { ...last, items: [...last.items, ...items] };
    return;
  }
  if (rule === 'append') known.push({ kind: 'list', items: [], ...location });
  if (rule !== 'append' || items.length > 0) known.push({ kind: 'list', items, ...location });
}

/** Names and platforms may be separated by commas; items of other lists may contain commas. */
function listItems(override: Override): readonly ScalarNode[] {
  const { key, value } = override;
  if (value === '') return [];
  const splits = ['platforms', 'no-cache-filter', 'entitlements', 'needs'].includes(key);
  const texts = splits ? (splitCsv(value) ?? [value]) : [value];
  return texts.map((text) => scalarOf(override, text));
}

function scalarOf(override: Override, text: string): ScalarNode {
  return { kind: 'scalar', value: text, text, plain: false, literal: true, ...locationOf(override) };
}

function mapOf(override: Override, sub: string): MapNode {
  const { start, end } = locationOf(override);
  const entry: MapEntry = {
    key: sub,
    keyStart: start,
    keyEnd: end,
    value: scalarOf(override, override.value),
  };
  return { kind: 'map', entries: new Map([[sub, entry]]), ...locationOf(override) };
}

function locationOf(override: Override): Pick<ListNode, 'origin' | 'start' | 'end'> {
  return { origin: override.origin, start: 0, end: override.text.length };
}
