/** Contexts: parses what a text refers to. */
import type { ContextRef, ContextSource } from '../model/mod.ts';
import { absolutePath, type PathOptions, shownInRoot } from './absolute-path.ts';
import { at, isOfBake } from './tree.ts';
import type { Text, Values } from './values.ts';

/**
 * Whether BuildKit treats a text as a git repository: a git or ssh scheme, `git@host:`, `github.com/`, or http(s) with
 * `.git` before the fragment (buildkit frontend/dockerui/context.go, util/gitutil/git_ref.go).
 */
export function isGitUrl(text: string): boolean {
  return (
    /^(?:git|ssh|git\+ssh):\/\//.test(text) ||
    /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!\/\/)/.test(text) ||
    text.startsWith('github.com/') ||
    /^https?:\/\/[^#?]+\.git(?:[#?].*)?$/.test(text)
  );
}

/** Reads the main context or a named one; undefined: a problem was reported. */
export function readContext(
  found: Text,
  use: 'main' | 'named',
  values: Values,
  options: PathOptions,
): ContextSource | undefined {
  const { text, node } = found;
  const { dir } = node.origin;
  const span = at(node);
  const key = use === 'main' ? 'context' : 'contexts';
  const other = (ref: ContextRef): ContextSource => ({ ref, written: text, ...span });
  const refuse = (message: string, hint: string): undefined => {
    values.fail('config/context', message, node, { hint });
    return undefined;
  };
  if (isGitUrl(text)) return other({ kind: 'git', url: text });
  if (/^https?:\/\//.test(text)) return other({ kind: 'http', url: text });
  const scheme = /^([a-z][a-z-]*):(\/\/)?/.exec(text);
  const rest = scheme === null ? text : text.slice(scheme[0].length);
  switch (scheme?.[0]) {
    case 'build:':
      if (use === 'main') break;
      if (rest === '') return refuse('"build:" must be followed by the name of a build', 'Write build:NAME.');
      return other({ kind: 'build', build: rest });
    case 'target:':
    case 'service:':
      if (isOfBake(node)) break;
      return refuse(`"${text}" is not a context of a builds file`, `Write build:${rest}.`);
    case 'docker-image://':
      if (use === 'main') break;
      return other({ kind: 'image', ref: rest });
    case 'oci-layout://': {
      if (use === 'main') break;
      const { path, tag, digest } = splitLayout(rest);
      const marks = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
      return {
        ref: {
          kind: 'oci-layout',
          path: absolutePath(path, dir, options),
          ...(tag === undefined ? {} : { tag }),
          ...(digest === undefined ? {} : { digest }),
        },
        written: `oci-layout://${shownInRoot(path, dir, options)}${marks}`,
        ...span,
      };
    }
    case undefined:
      if (text === '-') return refuse('A context cannot come from standard input', 'Name a directory.');
      return {
        ref: { kind: 'local', path: absolutePath(text, dir, options) },
        written: shownInRoot(text, dir, options),
        ...span,
      };
    default:
      if (scheme?.[2] === undefined) {
        return {
          ref: { kind: 'local', path: absolutePath(text, dir, options) },
          written: shownInRoot(text, dir, options),
          ...span,
        };
      }
      return refuse(
        `"${key}" does not support ${scheme[0]}`,
        use === 'main'
          ? 'Use a directory, or a git or http(s) URL.'
          : `Write ${isOfBake(node) ? 'target' : 'build'}:NAME, a directory, docker-image://REF, oci-layout://DIR, or a git or http(s) URL.`,
      );
  }
  return refuse(
    `The main context cannot be ${scheme?.[0] ?? ''}`,
    `Put it below contexts and use its name in FROM or COPY --from: ${
      isOfBake(node) ? `contexts = { base = "${text}" }` : `contexts: { base: "${text}" }`
    }.`,
  );
}

/** `path[:tag][@digest]`. */
function splitLayout(text: string): {
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
} {
  const [, path = text, tag, digest] = /^(.*?)(?::([^/@:]+))?(?:@([^/@]+))?$/s.exec(text) ?? [];
  return { path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}
