/** Parses the downloads of ADD and the mounts of RUN, from one argument each. */
import { URLSearchParams } from 'node:url';
import type { Span } from '../model/mod.ts';
import type { PathRead } from './facts.ts';

/** A source of ADD that the engine downloads. */
export interface RemoteAddress {
  readonly kind: 'git' | 'http';
  /** Without user, password and query values that could be tokens. */
  readonly url: string;
  /** True if the URL contains a full commit id. */
  readonly pinned: boolean;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * Parses a remote source of ADD with the rules of BuildKit's `dfgitutil.ParseGitRef`: an http URL is a git repository
 * only if its path ends in `.git`; `github.com/x/y` without a scheme is a path of the context.
 */
export function parseRemote(source: string): RemoteAddress | undefined {
  const scheme = /^([a-zA-Z0-9]+):\/\//.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // git@host:path, the short form of ssh. A path with a colon (`a:b`) has no user and host before it.
    if (!/^[a-zA-Z0-9-_]+@[a-zA-Z0-9.-]+:(?!\/\/).+/.test(source)) return undefined;
    return { kind: 'git', url: cutQuery(source), pinned: isPinned(fragmentOf(source), queryOf(source)) };
  }
  if (!['http', 'https', 'ssh', 'git'].includes(scheme)) return undefined;
  const withoutFragment = source.split('#', 1)[0] ?? source;
  const path = withoutFragment.split('?', 1)[0] ?? withoutFragment;
  const url = path.replace(/^([^/]+\/\/)[^/@]*@/, '$1');
  const isGit = scheme === 'ssh' || scheme === 'git' || path.endsWith('.git');
  if (!isGit) return { kind: 'http', url, pinned: false };
  return { kind: 'git', url, pinned: isPinned(fragmentOf(source), queryOf(source)) };
}

/** True for a checksum flag with a content digest or a full commit id. */
export function isFullChecksum(checksum: string): boolean {
  return (
    /^sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$/.test(checksum) || COMMIT.test(checksum)
  );
}

function isPinned(fragment: string, query: URLSearchParams): boolean {
  const ref = fragment.split(':', 1)[0] ?? '';
  return [ref, query.get('ref'), query.get('checksum'), query.get('commit')].some(
    (part) => part !== null && COMMIT.test(part),
  );
}

function fragmentOf(source: string): string {
  const at = source.indexOf('#');
  return at === -1 ? '' : source.slice(at + 1);
}

function queryOf(source: string): URLSearchParams {
  const beforeFragment = source.split('#', 1)[0] ?? '';
  const at = beforeFragment.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : beforeFragment.slice(at + 1));
}

function cutQuery(source: string): string {
  return source.split(/[?#]/, 1)[0] ?? source;
}

/** The fields of one `--mount=…`, names in lower case; a field without `=` has the value `''`. */
export function parseMountFields(
  value: string,
): readonly { readonly name: string; readonly value: string }[] {
  return splitCsv(value).map((field) => {
    const equals = field.indexOf('=');
    return equals === -1
      ? { name: field.toLowerCase(), value: '' }
      : { name: field.slice(0, equals).toLowerCase(), value: field.slice(equals + 1) };
  });
}

/** The id of a secret mount, by default the last part of its target. */
export function secretIdOf(field: (name: string) => string | undefined): string {
  const target = field('target') ?? field('dst') ?? field('destination');
  return field('id') ?? field('source') ?? field('src') ?? target?.split('/').at(-1) ?? '';
}

/** One line of CSV: a field may be in double quotes, with `""` for a quote. */
function splitCsv(line: string): readonly string[] {
  const fields: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] !== '"') {
      const comma = line.indexOf(',', at);
      const end = comma === -1 ? line.length : comma;
      fields.push(line.slice(at, end));
      at = end + 1;
      continue;
    }
    let field = '';
    at += 1;
    while (at < line.length) {
      if (line[at] === '"' && line[at + 1] === '"') {
        field += '"';
        at += 2;
      } else if (line[at] === '"') break;
      else {
        field += line[at] ?? '';
        at += 1;
      }
    }
    fields.push(field);
    const comma = line.indexOf(',', at);
    at = comma === -1 ? line.length + 1 : comma + 1;
  }
  return fields;
}

/** What a source of COPY or ADD, or a bind mount, reads. */
export function pathRead(source: string, parents: boolean, exclude: readonly string[], span: Span): PathRead {
  const pivot = parents ? source.indexOf('/./') : -1;
  if (!parents) return { source: cleanPath(source), include: [], exclude, span };
  const below = pivot === -1 ? source : source.slice(pivot + 3);
  return {
    source: pivot === -1 ? '.' : cleanPath(source.slice(0, pivot)),
    include: [cleanPath(below)],
    exclude,
    span,
  };
}

/** Relative, without `.`, `..`, duplicate or outer slashes; `..` cannot leave the context. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.length === 0 ? '.' : parts.join('/');
}
