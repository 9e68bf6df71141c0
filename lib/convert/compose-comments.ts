/** Comments of Compose files: above and after services, keys of `build:`, and their values. */
import type { ComposeEntry, ComposeNode } from '../bake/mod.ts';
import type { Comments } from '../hcl/mod.ts';
import type { Span } from '../model/mod.ts';
import { type DraftBuild, isRecord } from './draft.ts';
import { pathTo } from './value-comments.ts';

/** Keys of `build:` with other names in builds.yaml. */
const NAMES_HERE: Readonly<Record<string, string>> = {
  additional_contexts: 'contexts',
  image: 'tags',
  platform: 'platforms',
  sbom: 'attest',
  provenance: 'attest',
  privileged: 'entitlements',
};

/** Comment lines at the top of a file, without those for editors. */
export function headOf(text: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const end = lines.findIndex((line) => !/^\s*(?:#|$)/.test(line));
  const head = lines.slice(0, end === -1 ? lines.length : end).map((line) => line.trim().replace(/^# ?/, ''));
  while (head.at(-1) === '') head.pop();
  return head.filter((line) => !/^(?:yaml-language-server|vim?):/.test(line));
}

/** Moves the comments of a service to the resulting build. */
export function takeComments({ keySpan, value }: ComposeEntry, build: DraftBuild): void {
  const own = commentsOf(keySpan, value);
  build.comments.push(...own.above, ...(own.behind === undefined ? [] : [own.behind]));
  const built = entriesOf(value).get('build');
  const entries = [...entriesOf(value), ...(built === undefined ? [] : entriesOf(built.value))];
  for (const [name, entry] of entries) {
    const key = NAMES_HERE[name] ?? name.replaceAll('_', '-');
    const { above, behind } = commentsOf(entry.keySpan, entry.value);
    if (!build.keys.has(key)) {
      if (name === 'build') build.comments.push(...above, ...(behind === undefined ? [] : [behind]));
      continue;
    }
    if (above.length > 0) build.keyComments.set(key, [...(build.keyComments.get(key) ?? []), ...above]);
    if (behind !== undefined) build.keyRemarks.set(key, behind);
    const inside = insideOf(entry.value, build.keys.get(key));
    if (inside.size > 0) build.inside.set(key, inside);
  }
}

function entriesOf(node: ComposeNode): ReadonlyMap<string, ComposeEntry> {
  return node.kind === 'map' ? node.entries : new Map();
}

/** Comments on entries and items, if their number is unchanged. */
function insideOf(node: ComposeNode, here: unknown): ReadonlyMap<string, Comments> {
  const found = new Map<string, Comments>();
  const add = (step: string, comments: Comments): void => {
    if (comments.above.length > 0 || comments.behind !== undefined) found.set(pathTo('', step), comments);
  };
  if (node.kind === 'map' && isRecord(here)) {
    for (const [name, { keySpan, value }] of node.entries) add(name, commentsOf(keySpan, value));
  } else if (node.kind === 'list' && isRecord(here)) {
    for (const item of node.items)
      if (item.kind === 'scalar') add(item.text.replace(/[=:].*$/s, ''), commentsOf(item.span, item));
  } else if (node.kind === 'list' && Array.isArray(here) && here.length === node.items.length) {
    for (const [index, item] of node.items.entries()) add(String(index), commentsOf(item.span, item));
  }
  return found;
}

function commentsOf(at: Span, value: ComposeNode): Comments {
  const { text } = at.source;
  const lineStart = text.lastIndexOf('\n', at.start - 1) + 1;
  // A comment after a value that shares its line with other values belongs to none of them.
  if (!/^[ \t]*(?:- *)?(?:[^\s{[,:]+:[ \t]+)?["']?$/.test(text.slice(lineStart, at.start)))
    return { above: [] };
  const before = text.slice(0, lineStart).split('\n').slice(0, -1);
  const above: string[] = [];
  let line = before.pop();
  for (; line !== undefined && /^\s*#/.test(line); line = before.pop())
    above.unshift(line.trim().replace(/^# ?/, ''));
  // The head comment of the file does not belong to its first key.
  if (line === undefined) above.length = 0;
  const end = value.kind === 'scalar' ? value.span.end : at.end;
  const behind = /^:?[ \t]+#[ \t]?([^\n]*?)[ \t]*(?:\r?\n|$)/.exec(text.slice(end, end + 1000))?.[1];
  return behind === undefined ? { above } : { above, behind };
}
