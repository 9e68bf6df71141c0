/**
 * Evaluates `vars.TAG`, `matrix.python` and similar, the most common expressions, without the CEL library. A file with
 * only such expressions need not load it, which takes a third of the time for planning a small repository. Results and
 * errors are those of the library; a test compares them.
 */
import type { Compiled } from './cel.ts';

/** Objects that are plain maps of values. Reserved words of CEL are not members (langdef.md, "Syntax"). */
const MEMBER = /^(\s*)(vars|matrix|build)\.((?!(?:in|null|true|false)\b)[A-Za-z_][A-Za-z0-9_]*)\s*$/;

/** A failure with the same properties as the library's errors: a code, a summary, a place in the expression. */
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

/** Compiles such an expression; undefined: it is of another kind. */
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

/** True if a file's text is certain to have no other expressions. Escapes of YAML could hide the start of one. */
export function hasOnlyMembers(text: string): boolean {
  if (/\\[xuU]/.test(text)) return false;
  for (let open = text.indexOf('${{'); open !== -1; open = text.indexOf('${{', open + 3)) {
    const close = text.indexOf('}}', open);
    if (close === -1 || !MEMBER.test(text.slice(open + 3, close))) return false;
  }
  return true;
}
