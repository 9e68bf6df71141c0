/**
 * `vars.TAG`, `matrix.python` and their like: what most expressions are. They are read without the CEL library, which
 * a file that has no others then need not load (it costs a third of planning a small repository). What they give, and
 * how they fail, is what the library gives; a test compares the two.
 */
import type { Compiled } from './cel.ts';

/** Roots that are plain maps of values. The words that CEL keeps for itself are no members (langdef.md, "Syntax"). */
const MEMBER = /^(\s*)(vars|matrix|build)\.((?!(?:in|null|true|false)\b)[A-Za-z_][A-Za-z0-9_]*)\s*$/;

/** A failure with what the library's errors have: a code, a summary, a place in the expression. */
class MemberError extends Error {
  override readonly name = 'EvaluationError';
  readonly code: string;
  readonly range: { readonly start: number; readonly end: number };

  constructor(code: string, message: string, start: number, end: number) {
    super(message);
    this.code = code;
    this.range = { start, end };
  }
}

/** Compiles such an expression; undefined: it is another. */
export function compileMember(code: string): Compiled | undefined {
  const found = MEMBER.exec(code);
  if (found === null) return undefined;
  const [, space = '', root = '', member = ''] = found;
  const start = space.length;
  const memberStart = start + root.length + 1;
  const end = memberStart + member.length;
  return {
    program: (scope) => {
      const holder = scope[root];
      if (holder === undefined)
        throw new MemberError('unknown_variable', `Unknown variable: ${root}`, start, start + root.length);
      const value =
        typeof holder === 'object' && holder !== null && Object.hasOwn(holder, member)
          ? (holder as Readonly<Record<string, unknown>>)[member]
          : undefined;
      if (value === undefined)
        throw new MemberError('no_such_key', `No such key: ${member}`, memberStart, end);
      return value;
    },
    mentions: [{ root, member, start, end }],
  };
}

/**
 * True where a file's text surely holds no other expressions than these. YAML's escapes could hide the opening of one.
 */
export function hasOnlyMembers(text: string): boolean {
  if (/\\[xuU]/.test(text)) return false;
  for (let open = text.indexOf('${{'); open !== -1; open = text.indexOf('${{', open + 3)) {
    const close = text.indexOf('}}', open);
    if (close === -1 || !MEMBER.test(text.slice(open + 3, close))) return false;
  }
  return true;
}
