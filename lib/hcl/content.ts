/** Reads the content of a body by a schema: in JSON, only the schema distinguishes blocks from attributes. */
import { type Problem, problem, type SourceFile, type Span } from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import { expressionOfJson } from './json-expression.ts';
import { parseJsonText } from './json-text.ts';
import type {
  Block,
  Body,
  BodyAttribute,
  BodyContent,
  BodySchema,
  JsonBody,
  JsonNode,
  JsonObject,
  NativeBody,
} from './syntax.ts';

/** Reads a file in HCL's JSON syntax. */
export function parseHclJson(source: SourceFile): { body: JsonBody; problems: readonly Problem[] } {
  const span = { source, start: 0, end: source.text.length };
  const parsed = parseJsonText(source);
  const empty: JsonObject = { kind: 'object', members: [], span };
  if ('problem' in parsed) return { body: bodyOf(empty), problems: [parsed.problem] };
  if (parsed.value.kind !== 'scalar') return { body: bodyOf(parsed.value), problems: [] };
  return { body: bodyOf(empty), problems: [wrongKind(parsed.value, 'The file')] };
}

function bodyOf(value: JsonNode): JsonBody {
  return { kind: 'json', value, hidden: new Set(), span: value.span };
}

function wrongKind(node: JsonNode, what: string): Problem {
  return problem('bake/syntax', `${what} must be a JSON object or an array of objects`, {
    hint: 'Write { … }.',
    span: node.span,
  });
}

/** What the schema names; the rest is a body again. */
export function contentOf(
  body: Body,
  schema: BodySchema,
): { content: BodyContent; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const content =
    body.kind === 'native' ? nativeContent(body, schema, problems) : jsonContent(body, schema, problems);
  return { content, problems };
}

/** All attributes of a body that has no blocks (HCL's JustAttributes). */
export function attributesOf(body: Body): {
  attributes: ReadonlyMap<string, BodyAttribute>;
  problems: readonly Problem[];
} {
  if (body.kind === 'json') return jsonAttributes(body);
  const [block] = body.blocks;
  const problems =
    block === undefined
      ? []
      : [
          problem('bake/syntax', `Blocks such as ${block.type} are not allowed here`, {
            hint: `For an attribute write ${block.type} = { … }.`,
            span: block.typeSpan,
          }),
        ];
  return { attributes: new Map(body.attributes.map((one) => [one.name, one])), problems };
}

function nativeContent(body: NativeBody, schema: BodySchema, problems: Problem[]): BodyContent {
  const attributes = new Map<string, BodyAttribute>();
  const otherAttributes: BodyAttribute[] = [];
  for (const attribute of body.attributes) {
    if (schema.attributes.includes(attribute.name)) attributes.set(attribute.name, attribute);
    else otherAttributes.push(attribute);
  }
  const blocks: Block[] = [];
  const otherBlocks: Block[] = [];
  for (const block of body.blocks) {
    const labels = labelsOf(schema, block.type);
    if (labels === undefined) {
      otherBlocks.push(block);
    } else {
      const found = wrongLabels(block, labels);
      if (found === undefined) blocks.push(block);
      else problems.push(found);
    }
  }
  return { attributes, blocks, rest: { ...body, attributes: otherAttributes, blocks: otherBlocks } };
}

function labelsOf(schema: BodySchema, type: string): number | undefined {
  return Object.hasOwn(schema.blocks, type) ? schema.blocks[type] : undefined;
}

function wrongLabels(block: Block, wanted: number): Problem | undefined {
  if (block.labels.length === wanted) return undefined;
  const form = `${block.type} ${'"NAME" '.repeat(wanted)}{ … }`;
  const extra = block.labels[wanted];
  return extra === undefined
    ? problem('bake/syntax', `This ${block.type} has no name`, {
        hint: `Write ${form}.`,
        span: block.typeSpan,
      })
    : problem('bake/syntax', `This ${block.type} has too many labels`, {
        hint: `Write ${form}.`,
        span: extra.span,
      });
}

/** The members of an object, or of all objects of an array; other values are problems. */
function membersOf(node: JsonNode, what: string, problems: Problem[]): JsonObject['members'] {
  if (node.kind === 'object') return node.members;
  if (node.kind === 'scalar') {
    if (node.value !== null) problems.push(wrongKind(node, what));
    return [];
  }
  return node.items.flatMap((item) => {
    if (item.kind === 'object') return item.members;
    problems.push(wrongKind(item, `Each item of ${what.toLowerCase()}`));
    return [];
  });
}

function jsonContent(body: JsonBody, schema: BodySchema, problems: Problem[]): BodyContent {
  const attributes = new Map<string, BodyAttribute>();
  const blocks: Block[] = [];
  const hidden = new Set(body.hidden);
  for (const member of membersOf(body.value, 'The value', problems)) {
    const { name } = member;
    if (body.hidden.has(name)) continue;
    const labels = labelsOf(schema, name);
    if (schema.attributes.includes(name)) {
      hidden.add(name);
      addAttribute(attributes, member, problems);
    } else if (labels !== undefined) {
      hidden.add(name);
      addBlocks({ type: name, typeSpan: member.nameSpan, blocks, problems }, member.value, labels, []);
    }
  }
  return { attributes, blocks, rest: { ...body, hidden } };
}

function addAttribute(
  attributes: Map<string, BodyAttribute>,
  member: JsonObject['members'][number],
  problems: Problem[],
): void {
  const { name, nameSpan, value } = member;
  const twin = attributes.get(name);
  if (twin !== undefined) {
    problems.push(
      problem('bake/syntax', `${name} is set twice`, {
        hint: 'Keep one of the two.',
        span: nameSpan,
        related: [{ message: 'set here first', span: twin.nameSpan }],
      }),
    );
    return;
  }
  attributes.set(name, {
    name,
    nameSpan,
    value: expressionOfJson(value),
    comments: { above: [] },
    span: { source: nameSpan.source, start: nameSpan.start, end: value.span.end },
  });
}

/** Common data of the blocks of one member, and where they and their problems are stored. */
interface Target {
  readonly type: string;
  readonly typeSpan: Span;
  readonly blocks: Block[];
  readonly problems: Problem[];
}

/** Reads an object level for each label and below it an object for a block, or an array with one for each block. */
function addBlocks(target: Target, node: JsonNode, labelsLeft: number, labels: Block['labels']): void {
  const { type, problems } = target;
  if (labelsLeft > 0) {
    const before = problems.length;
    const members = membersOf(node, `What ${type} holds`, problems);
    if (members.length === 0 && problems.length === before) {
      problems.push(
        problem('bake/syntax', `This ${type} has no name`, {
          hint: `Write "${type}": { "NAME": { … } }.`,
          span: node.span,
        }),
      );
    }
    for (const { name, nameSpan, value } of members) {
      addBlocks(target, value, labelsLeft - 1, [...labels, { value: name, span: nameSpan }]);
    }
    return;
  }
  if (node.kind === 'object') addBlock(target, node, labels);
  else if (node.kind === 'array') for (const item of node.items) addBlock(target, item, labels);
  else if (node.value !== null) problems.push(wrongKind(node, `A ${type}`));
}

function addBlock(target: Target, node: JsonNode, labels: Block['labels']): void {
  const { type, typeSpan, blocks } = target;
  const start = labels.at(-1)?.span ?? typeSpan;
  blocks.push({
    type,
    typeSpan,
    labels,
    body: bodyOf(node),
    comments: { above: commentsIn(node) },
    span: { source: start.source, start: start.start, end: node.span.end },
  });
}

function commentsIn(node: JsonNode): readonly string[] {
  if (node.kind !== 'object') return [];
  return node.members.flatMap(({ name, value }) =>
    name === '//' && value.kind === 'scalar' && typeof value.value === 'string'
      ? value.value.split('\n')
      : [],
  );
}

function jsonAttributes(body: JsonBody): ReturnType<typeof attributesOf> {
  const problems: Problem[] = [];
  const attributes = new Map<string, BodyAttribute>();
  if (body.value.kind !== 'object') {
    problems.push(
      problem('bake/syntax', 'An object is expected here', { hint: 'Write { … }.', span: body.span }),
    );
    return { attributes, problems };
  }
  for (const member of body.value.members) {
    if (member.name !== '//' && !body.hidden.has(member.name)) addAttribute(attributes, member, problems);
  }
  return { attributes, problems };
}

/** Problems of everything that the schema does not name, for bodies that may contain nothing else. */
export function unexpectedItems(rest: Body, schema: BodySchema): readonly Problem[] {
  const names = [...schema.attributes, ...Object.keys(schema.blocks)];
  const unknown = (name: string, span: Span, what: string) =>
    problem('bake/unknown-name', `There is no ${what} ${name} here`, {
      hint: didYouMean(name, names) ?? `Valid names: ${names.join(', ')}.`,
      span,
    });
  if (rest.kind === 'json') {
    return membersOf(rest.value, 'The value', [])
      .filter(({ name }) => name !== '//' && !rest.hidden.has(name))
      .map(({ name, nameSpan }) => unknown(name, nameSpan, 'attribute or block'));
  }
  return [
    ...rest.attributes.map(({ name, nameSpan }) =>
      Object.hasOwn(schema.blocks, name)
        ? problem('bake/unknown-name', `${name} is a block, not an attribute`, {
            hint: `Write ${name} "NAME" { … }.`,
            span: nameSpan,
          })
        : unknown(name, nameSpan, 'attribute'),
    ),
    ...rest.blocks.map(({ type, typeSpan }) =>
      schema.attributes.includes(type)
        ? problem('bake/unknown-name', `${type} is an attribute, not a block`, {
            hint: `Write ${type} = { … }.`,
            span: typeSpan,
          })
        : unknown(type, typeSpan, 'block'),
    ),
  ];
}
