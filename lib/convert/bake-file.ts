/** Bake files as written (HCL and its JSON form): their declarations in order, with comments. */
import {
  attributesOf,
  type Block,
  type Body,
  type BodyAttribute,
  type BodySchema,
  type Comments,
  contentOf,
  type Expression,
  expressionInJson,
  parseHcl,
  parseHclJson,
} from '../hcl/mod.ts';
import { fail, ok, type Problem, type Result, type SourceFile } from '../model/mod.ts';

/** A variable, function, target or group. */
export interface BakeBlock {
  readonly name: string;
  readonly attributes: readonly BodyAttribute[];
  /** For variables. */
  readonly validations: readonly (readonly BodyAttribute[])[];
  readonly comments: Comments;
  /** Position in the whole input. */
  readonly place: number;
}

/** All declarations of the files; of a variable, function or group that is declared twice, the last one. */
export interface BakeFiles {
  /** Comment at the top of the first file. */
  readonly head: readonly string[];
  readonly variables: ReadonlyMap<string, BakeBlock>;
  readonly functions: ReadonlyMap<string, BakeBlock>;
  /** A target that is declared several times is merged from its blocks. */
  readonly targets: ReadonlyMap<string, readonly BakeBlock[]>;
  readonly groups: ReadonlyMap<string, BakeBlock>;
  /** Top-level attributes: named values. */
  readonly values: ReadonlyMap<string, { readonly attribute: BodyAttribute; readonly place: number }>;
  /** Comments after everything else. */
  readonly tail: readonly string[];
  /** Whether a group comes before all targets. */
  readonly hasGroupsFirst: boolean;
}

/** Larger than the length of any file. */
const FILE_STRIDE = 2 ** 32;

const FILE: BodySchema = { attributes: [], blocks: { variable: 1, function: 1, target: 1, group: 1 } };
const VARIABLE: BodySchema = { attributes: ['default', 'type', 'description'], blocks: { validation: 0 } };

/** Reads the files; later ones override earlier ones. Problems: those of the syntax. */
export function readBakeFiles(sources: readonly SourceFile[]): Result<BakeFiles> {
  const problems: Problem[] = [];
  const head: string[] = [];
  const tail: string[] = [];
  const variables = new Map<string, BakeBlock>();
  const functions = new Map<string, BakeBlock>();
  const targets = new Map<string, BakeBlock[]>();
  const groups = new Map<string, BakeBlock>();
  const values = new Map<string, { readonly attribute: BodyAttribute; readonly place: number }>();
  let hasGroupsFirst = false;
  for (const [index, source] of sources.entries()) {
    const placeOf = ({ span }: { readonly span: { readonly start: number } }): number =>
      index * FILE_STRIDE + span.start;
    const parsed = isJson(source.text) ? parseHclJson(source) : parseHcl(source);
    const { content, problems: wrong } = contentOf(parsed.body, FILE);
    const rest = attributesOf(withoutBlocks(content.rest));
    problems.push(...parsed.problems, ...wrong, ...rest.problems);
    const attributes = [...rest.attributes.values()];
    const placed = placeLoose(parsed.body, [...content.blocks, ...attributes]);
    head.push(...placed.head);
    tail.push(...placed.tail);
    for (const block of content.blocks) {
      const [label] = block.labels;
      if (label === undefined) continue;
      const read = {
        ...readBlock(block, label.value, placed.above.get(block) ?? [], problems),
        place: placeOf(block),
      };
      if (block.type === 'target') targets.set(label.value, [...(targets.get(label.value) ?? []), read]);
      else {
        if (block.type === 'group') hasGroupsFirst ||= targets.size === 0;
        const map = block.type === 'variable' ? variables : block.type === 'group' ? groups : functions;
        map.set(label.value, read);
      }
    }
    for (const attribute of attributes)
      values.set(attribute.name, {
        attribute: withAbove(attribute, placed.above.get(attribute) ?? []),
        place: placeOf(attribute),
      });
  }
  if (problems.length > 0) return fail(problems);
  return ok({ head, variables, functions, targets, groups, values, tail, hasGroupsFirst });
}

/** Whether a bake file is in JSON. */
export function isJson(text: string): boolean {
  return text
    .replace(/^\uFEFF/, '')
    .trimStart()
    .startsWith('{');
}

/** bake ignores unknown blocks, too. */
function withoutBlocks(body: Body): Body {
  return body.kind === 'native' ? { ...body, blocks: [] } : body;
}

function withAbove(attribute: BodyAttribute, above: readonly string[]): BodyAttribute {
  if (above.length === 0) return attribute;
  return {
    ...attribute,
    comments: { ...attribute.comments, above: [...above, ...attribute.comments.above] },
  };
}

function readBlock(
  block: Block,
  name: string,
  above: readonly string[],
  problems: Problem[],
): Omit<BakeBlock, 'place'> {
  const isVariable = block.type === 'variable';
  const { content, problems: wrong } = contentOf(
    block.body,
    isVariable ? VARIABLE : { attributes: [], blocks: {} },
  );
  const found = isVariable
    ? { attributes: content.attributes, problems: wrong }
    : attributesOf(withoutBlocks(block.body));
  problems.push(...found.problems);
  const attributes = [...found.attributes.values()];
  const placed = placeLoose(block.body, [...attributes, ...content.blocks]);
  const validations = content.blocks.map((validation) => {
    const inside = attributesOf(validation.body);
    problems.push(...inside.problems);
    return [...inside.attributes.values()];
  });
  return {
    name,
    attributes: attributes.map((one) => withAbove(one, placed.above.get(one) ?? [])),
    validations,
    comments: {
      ...block.comments,
      above: [...above, ...block.comments.above, ...placed.head, ...placed.tail],
    },
  };
}

interface Placed {
  readonly head: readonly string[];
  readonly above: ReadonlyMap<object, readonly string[]>;
  readonly tail: readonly string[];
}

/** Comments that belong to nothing are added to the next item, separated by an empty line. */
function placeLoose(body: Body, items: readonly (Block | BodyAttribute)[]): Placed {
  const above = new Map<object, readonly string[]>();
  if (body.kind !== 'native') return { head: [], above, tail: [] };
  const sorted = [...items].sort((a, b) => a.span.start - b.span.start);
  const isFile = body.span.start === 0;
  const head: string[] = [];
  const tail: string[] = [];
  for (const [at, { lines, span }] of body.loose.entries()) {
    const next = sorted.find((item) => item.span.start > span.start);
    if (next === undefined) tail.push(...(tail.length > 0 ? [''] : []), ...lines);
    else if (isFile && next === sorted[0] && at === 0) head.push(...lines);
    else above.set(next, [...(above.get(next) ?? []), ...lines, ...(isFile ? [''] : [])]);
  }
  return { head, above, tail };
}

/** The expression of an attribute that is read without evaluation: a type, names of parameters. */
export function asWritten(expression: Expression): Expression {
  return expressionInJson(expression) ?? expression;
}

/** A plain identifier, or a JSON text that is one. */
export function wordOf(expression: Expression): string | undefined {
  const written = asWritten(expression);
  return written.kind === 'variable' ? written.name : undefined;
}

/** The text of an expression in its file. */
export function sourceOf({ span }: Expression): string {
  const text = span.source.text.slice(span.start, span.end).replaceAll(/\s+/g, ' ');
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
