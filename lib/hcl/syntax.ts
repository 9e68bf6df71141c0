/**
 * The syntax tree of HCL: bodies, blocks, attributes and expressions with their places
 * (https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md). HCL's JSON form results in the same bodies
 * (https://github.com/hashicorp/hcl/blob/main/json/spec.md); its texts are templates.
 */
import type { Problem, Span } from '../model/mod.ts';

/** A node with its place. */
interface Placed {
  readonly span: Span;
}

/** Any expression. */
export type Expression =
  | Literal
  | Template
  | Variable
  | Attribute
  | Index
  | Splat
  | Call
  | Unary
  | Binary
  | Conditional
  | Tuple
  | ObjectLiteral
  | For
  | Parenthesized
  | InvalidExpression;

/** `true`, `12.5`, `null`; texts are templates. */
export interface Literal extends Placed {
  readonly kind: 'literal';
  /** Numbers are kept as written, since they may exceed JavaScript's precision. */
  readonly value: { readonly number: string } | boolean | null;
}

/** `"a-${b}"`, a heredoc, or a text of JSON. Without parts it is the empty text. */
export interface Template extends Placed {
  readonly kind: 'template';
  readonly parts: readonly TemplatePart[];
  /** How it was written, for converting it to text again; `bare` is an unquoted key of an object. */
  readonly form: 'quoted' | 'bare' | 'heredoc' | 'flush-heredoc' | 'json';
}

/**
 * A part of a template, with `~` already applied. A text may be empty and is still significant: only a template of a
 * single interpolation keeps the type of its value.
 */
export type TemplatePart =
  | { readonly kind: 'text'; readonly value: string; readonly span: Span }
  | { readonly kind: 'interpolation'; readonly value: Expression; readonly span: Span }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly yes: readonly TemplatePart[];
      readonly no: readonly TemplatePart[];
      readonly span: Span;
    }
  | {
      readonly kind: 'for';
      readonly keyName?: string;
      readonly valueName: string;
      readonly over: Expression;
      readonly parts: readonly TemplatePart[];
      readonly span: Span;
    };

/** A name: the root of a traversal. */
export interface Variable extends Placed {
  readonly kind: 'variable';
  readonly name: string;
}

/** `of.name` */
export interface Attribute extends Placed {
  readonly kind: 'attribute';
  readonly of: Expression;
  readonly name: string;
}

/** `of[key]`, and `of.0`, whose key is a number. */
export interface Index extends Placed {
  readonly kind: 'index';
  readonly of: Expression;
  readonly key: Expression;
}

/** `of[*].name[0]`, `of.*.name`: `each` is applied to every element, which is the variable {@link SPLAT_ELEMENT} in it. */
export interface Splat extends Placed {
  readonly kind: 'splat';
  readonly of: Expression;
  readonly each: Expression;
}

/** Name of the element in a splat; cannot be written in a file. */
export const SPLAT_ELEMENT = '*';

/** `name(args)`; with `expand` the last argument is a list of arguments (`...`). */
export interface Call extends Placed {
  readonly kind: 'call';
  /** With its namespace, `ns::name`. */
  readonly name: string;
  readonly nameSpan: Span;
  readonly args: readonly Expression[];
  readonly expand: boolean;
}

/** `!of`, `-of` */
export interface Unary extends Placed {
  readonly kind: 'unary';
  readonly operator: '!' | '-';
  readonly of: Expression;
}

/** `left operator right` */
export interface Binary extends Placed {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export type BinaryOperator =
  | '||'
  | '&&'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%';

/** `test ? yes : no` */
export interface Conditional extends Placed {
  readonly kind: 'conditional';
  readonly test: Expression;
  readonly yes: Expression;
  readonly no: Expression;
}

/** `[a, b]` */
export interface Tuple extends Placed {
  readonly kind: 'tuple';
  readonly items: readonly Expression[];
  /** Comments of its items, by their index. */
  readonly comments?: ReadonlyMap<number, Comments>;
  /** Comments below the last item. */
  readonly endComments?: readonly string[];
}

/** `{ key = value }`. An identifier as key is a text; in parentheses it is an expression. */
export interface ObjectLiteral extends Placed {
  readonly kind: 'object';
  readonly items: readonly ObjectItem[];
  /** Comments below the last item. */
  readonly endComments?: readonly string[];
}

/** One entry of an object. */
export interface ObjectItem {
  readonly key: Expression;
  readonly value: Expression;
  /** Comments above and after it, as in {@link Commented}. */
  readonly comments?: Comments;
}

/** `[for k, v in over : value if when]`, `{for k, v in over : key => value... if when}` */
export interface For extends Placed {
  readonly kind: 'for';
  readonly keyName?: string;
  readonly valueName: string;
  readonly over: Expression;
  /** Only in braces. */
  readonly key?: Expression;
  readonly value: Expression;
  readonly when?: Expression;
  /** `...` after the value: collects the values of equal keys in a list. */
  readonly group: boolean;
}

/** `(inner)` */
export interface Parenthesized extends Placed {
  readonly kind: 'parentheses';
  readonly inner: Expression;
}

/**
 * A text of a JSON file that is not a valid template: its problems are reported on evaluation. In native files, it is a
 * problem of the file itself.
 */
export interface InvalidExpression extends Placed {
  readonly kind: 'invalid';
  readonly problems: readonly Problem[];
}

/** Comments of one item, without comment characters, one per line. */
export interface Comments {
  /** Directly above it. */
  readonly above: readonly string[];
  /** After it on its line. */
  readonly behind?: string;
}

/** `name = value` in a body. */
export interface BodyAttribute extends Placed {
  readonly name: string;
  readonly nameSpan: Span;
  readonly value: Expression;
  readonly comments: Comments;
}

/** `type "label" { … }` */
export interface Block extends Placed {
  readonly type: string;
  readonly typeSpan: Span;
  readonly labels: readonly { readonly value: string; readonly span: Span }[];
  readonly body: Body;
  readonly comments: Comments;
}

/**
 * The content of a file or block. In JSON only a schema distinguishes blocks from attributes, so both kinds of bodies are
 * read with a schema by `contentOf`.
 */
export type Body = NativeBody | JsonBody;

/** A body in HCL's own syntax. */
export interface NativeBody extends Placed {
  readonly kind: 'native';
  /** In the written order. */
  readonly attributes: readonly BodyAttribute[];
  readonly blocks: readonly Block[];
  /** Comments that belong to nothing: at the top of the file before an empty line, and at the end of a body. */
  readonly loose: readonly { readonly lines: readonly string[]; readonly span: Span }[];
}

/** A body in JSON: an object, or an array of objects that are merged. Other values are reported when it is read. */
export interface JsonBody extends Placed {
  readonly kind: 'json';
  readonly value: JsonNode;
  /** Names that were already read, in the rest that `contentOf` returns. */
  readonly hidden: ReadonlySet<string>;
}

/** A value of a JSON file, with its place. */
export type JsonNode =
  | {
      readonly kind: 'scalar';
      readonly value: string | boolean | null | { readonly number: string };
      readonly span: Span;
    }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[]; readonly span: Span }
  | JsonObject;

/** An object of a JSON file; names may be repeated. */
export interface JsonObject extends Placed {
  readonly kind: 'object';
  readonly members: readonly { readonly name: string; readonly nameSpan: Span; readonly value: JsonNode }[];
}

/** What a body may contain; everything else is in the rest. */
export interface BodySchema {
  readonly attributes: readonly string[];
  /** Block types and how many labels each has. */
  readonly blocks: Readonly<Record<string, number>>;
}

/** A body that was read with a schema. */
export interface BodyContent {
  readonly attributes: ReadonlyMap<string, BodyAttribute>;
  /** In the written order. */
  readonly blocks: readonly Block[];
  /** Everything that the schema does not name. */
  readonly rest: Body;
}
