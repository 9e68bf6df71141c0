/**
 * Targets and groups: their rows, names and attributes, each evaluated on first use (buildx bake/hclparser/hclparser.go,
 * `resolveBlock`).
 */
import {
  type Block,
  type BodyAttribute,
  contentOf,
  convert,
  type Expression,
  listOf,
  mapOf,
  nullOf,
  objectOf,
  STRING,
  textValue,
  typeName,
  unexpectedItems,
  type Value,
} from '../hcl/mod.ts';
import { type Problem, problem, type Span } from '../model/mod.ts';
import { type AttributeName, decodeAttribute, TARGET_ATTRIBUTES, valueWhenUnset } from './decode.ts';
import { type Draft, emptyDraft } from './draft.ts';
import { lazyObject } from './lazy-object.ts';
import type { BlockSource, BlockType, Names, Row } from './names.ts';
import { dirOf } from './rebase.ts';

/** A block, or one row of it. */
export interface Instance {
  readonly block: Block;
  readonly type: BlockType;
  readonly name: string;
  readonly row: Row | undefined;
  readonly attributes: ReadonlyMap<string, BodyAttribute>;
  /** The attributes evaluated so far. */
  readonly draft: Draft;
  /** The targets of a group. */
  targets: readonly string[] | undefined;
  /** Values by attribute, for references to them. */
  readonly values: Map<string, Value>;
  readonly done: Set<string>;
  readonly busy: Set<string>;
  /** Attributes without a value; the reason was reported. */
  readonly failed: Set<string>;
}

/** A matrix with more rows is a mistake. */
const MOST_ROWS = 10_000;

const GROUP_ATTRIBUTES: readonly string[] = ['description', 'targets'];
/** Means all attributes of a block. */
const ALL = '*';
const VALID_NAME = /^[a-zA-Z0-9_-]+$/;

export class Blocks implements BlockSource {
  /** Unknown attributes, which bake ignores, by block. */
  readonly warnings: Map<Block, readonly Problem[]> = new Map();
  /** Targets whose matrices have no rows. */
  readonly withoutRows: string[] = [];
  /** Number of problems that concern single values and do not affect others. */
  wrongValues = 0;
  readonly #names: Names;
  readonly #blocks: readonly Block[];
  readonly #instances = new Map<Block, readonly Instance[]>();
  /** Blocks by their names and those of their rows. */
  readonly #byName = { target: new Map<string, Block[]>(), group: new Map<string, Block[]>() };
  /** The target of references to a name: its block that was evaluated last. */
  readonly #stored = { target: new Map<string, Instance>(), group: new Map<string, Instance>() };

  constructor(names: Names, blocks: readonly Block[]) {
    this.#names = names;
    this.#blocks = blocks;
    names.blocks = this;
  }

  /** Creates the rows of all blocks, then evaluates them. */
  resolveAll(): void {
    const byName = { target: new Map<string, Block[]>(), group: new Map<string, Block[]>() };
    for (const block of this.#blocks) {
      const instances = this.#makeInstances(block);
      this.#instances.set(block, instances);
      for (const { type, name } of instances) {
        const known = byName[type].get(name);
        if (known === undefined) byName[type].set(name, [block]);
        else known.push(block);
      }
    }
    // Rows and names cannot refer to targets.
    for (const type of ['target', 'group'] as const)
      for (const [name, blocks] of byName[type]) this.#byName[type].set(name, blocks);
    for (const block of this.#blocks) this.#resolveBlock(block, undefined);
  }

  /** All instances in the written order. */
  instances(): readonly Instance[] {
    return this.#blocks.flatMap((block) => this.#instances.get(block) ?? []);
  }

  resolve(type: BlockType, name: string, attribute: string | undefined, span: Span): boolean {
    let isReady = true;
    for (const block of this.#byName[type].get(name) ?? [])
      isReady = this.#resolveBlock(block, attribute, span) && isReady;
    return isReady;
  }

  valueOf(type: BlockType): Value | undefined {
    if (!this.#blocks.some((block) => block.type === type)) return undefined;
    const stored = this.#stored[type];
    if (stored.size === 0) return mapOf(STRING, []);
    return lazyObject(stored, valueOfInstance);
  }

  #report(
    message: string,
    span: Span,
    hint?: string,
    code: 'bake/target' | 'bake/value' | 'bake/cycle' = 'bake/target',
  ): void {
    this.#names.problems.push(problem(code, message, { span, ...(hint === undefined ? {} : { hint }) }));
  }

  #makeInstances(block: Block): readonly Instance[] {
    const type: BlockType = block.type === 'group' ? 'group' : 'target';
    const known = type === 'group' ? GROUP_ATTRIBUTES : TARGET_ATTRIBUTES;
    const schema = { attributes: [...known, 'name', 'matrix'], blocks: {} };
    const { content, problems } = contentOf(block.body, schema);
    this.#names.problems.push(...problems);
    const unknown = unexpectedItems(content.rest, { ...schema, attributes: known });
    if (unknown.length > 0) this.warnings.set(block, unknown.map(asWarning));
    const { attributes } = content;
    const label = block.labels[0];
    if (label === undefined) return [];
    const nameAttribute = attributes.get('name');
    const matrix = attributes.get('matrix');
    if (type === 'group')
      for (const one of [nameAttribute, matrix])
        if (one !== undefined) this.#report(`Groups have no ${one.name}`, one.nameSpan);
    if (type === 'target' && nameAttribute !== undefined && matrix === undefined) {
      this.#report(
        `Target "${label.value}" sets "name" without a matrix`,
        nameAttribute.nameSpan,
        'Write the name in the label of the block: target "NAME".',
      );
      return [];
    }
    const rows = matrix === undefined ? [undefined] : this.#rowsOf(label.value, matrix.value);
    const instances = rows.map((row): Instance | undefined => {
      const name = this.#nameOf(label.value, label.span, nameAttribute?.value, row);
      if (name === undefined) return undefined;
      return {
        block,
        type,
        name,
        row,
        attributes,
        draft: emptyDraft(name, label.span),
        targets: undefined,
        values: new Map([['name', textValue(name)]]),
        done: new Set(),
        busy: new Set(),
        failed: new Set(),
      };
    });
    return this.#withoutTwins(
      instances.filter((one) => one !== undefined),
      label.value,
      matrix,
    );
  }

  #withoutTwins(
    instances: readonly Instance[],
    label: string,
    matrix: BodyAttribute | undefined,
  ): readonly Instance[] {
    const seen = new Set<string>();
    for (const { name } of instances) {
      if (seen.has(name)) {
        this.#report(
          `Several rows of target "${label}" have the name "${name}"`,
          matrix?.nameSpan ?? (instances[0] as Instance).block.typeSpan,
          'Give each row a name of its own, as in name = "app-${version}".',
        );
        return [];
      }
      seen.add(name);
    }
    return instances;
  }

  /** The first axis changes fastest; axes are in the order of their names. */
  #rowsOf(label: string, expression: Expression): readonly (Row | undefined)[] {
    const matrix = this.#names.evaluate(expression);
    if (matrix === undefined) return [];
    if (matrix.kind !== 'mapping') {
      this.#report(
        `The matrix of target "${label}" is not an object`,
        expression.span,
        'Write matrix = { NAME = [ … ] }.',
        'bake/value',
      );
      return [];
    }
    let rows: readonly ReadonlyMap<string, Value>[] = [new Map()];
    for (const [axis, values] of matrix.entries) {
      if (values.kind !== 'sequence' && values.kind !== 'mapping') {
        this.#report(
          `Axis "${axis}" of the matrix of target "${label}" is ${typeName(values.type)}, not a list`,
          expression.span,
          undefined,
          'bake/value',
        );
        return [];
      }
      const items = values.kind === 'sequence' ? values.items : [...values.entries.values()];
      if (items.length * rows.length > MOST_ROWS) {
        this.#report(
          `The matrix of target "${label}" has more than ${MOST_ROWS} rows`,
          expression.span,
          undefined,
          'bake/value',
        );
        return [];
      }
      const before = rows;
      rows = items.flatMap((item) => before.map((row) => new Map([...row, [axis, item]])));
    }
    // Without axes it is the target itself.
    if (rows.length === 0) this.withoutRows.push(label);
    return matrix.entries.size === 0 ? [undefined] : rows.map((variables) => ({ variables }));
  }

  #nameOf(
    label: string,
    span: Span,
    expression: Expression | undefined,
    row: Row | undefined,
  ): string | undefined {
    if (!VALID_NAME.test(label)) {
      this.#report(
        `"${label}" is not a valid name of a target or group`,
        span,
        'Use letters, digits, _ and - only.',
      );
      return undefined;
    }
    if (expression === undefined) return label;
    const value = this.#names.evaluate(expression, row);
    if (value === undefined) return undefined;
    const text = convert(value, STRING);
    const name = text.ok && text.value.kind === 'string' ? text.value.value : undefined;
    if (name === undefined || !VALID_NAME.test(name)) {
      const what = name === undefined ? 'is not a string' : `is not valid: "${name}"`;
      this.#report(
        `The name of a row of target "${label}" ${what}`,
        expression.span,
        'Use letters, digits, _ and - only; sanitize() replaces all others.',
      );
      return undefined;
    }
    return name;
  }

  /** Evaluates an attribute of a block, or all that were not evaluated yet. */
  #resolveBlock(block: Block, only: string | undefined, span?: Span): boolean {
    let isReady = true;
    for (const instance of this.#instances.get(block) ?? []) {
      if (only !== undefined && instance.done.has(only)) return isReady && !instance.failed.has(only);
      isReady = this.#resolveInstance(instance, only, span) && isReady;
    }
    return isReady;
  }

  #resolveInstance(instance: Instance, only: string | undefined, span: Span | undefined): boolean {
    const what = only ?? ALL;
    const { type, name, busy, done, block, attributes, row } = instance;
    if (busy.has(what)) {
      const whole = `${type}.${name}${only === undefined ? '' : `.${only}`}`;
      this.#report(`${whole} refers to itself`, span ?? block.typeSpan, undefined, 'bake/cycle');
      return false;
    }
    busy.add(what);
    const known = type === 'group' ? GROUP_ATTRIBUTES : TARGET_ATTRIBUTES;
    const wanted = known.filter((one) => !done.has(one) && (only === undefined || one === only));
    const here = wanted.filter((one) => attributes.has(one));
    let isReady = this.#isComplete(instance, wanted);
    for (const one of here)
      if (!this.#names.isReady((attributes.get(one) as BodyAttribute).value, row)) isReady = false;
    if (isReady)
      for (const one of here) {
        // Another attribute may have evaluated it meanwhile.
        if (!done.has(one)) isReady = this.#decode(instance, attributes.get(one) as BodyAttribute) && isReady;
      }
    for (const one of only === undefined ? here : [only]) {
      done.add(one);
      if (!isReady) instance.failed.add(one);
    }
    busy.delete(what);
    this.#stored[type].set(name, instance);
    return isReady;
  }

  #isComplete({ type, name, attributes, block }: Instance, wanted: readonly string[]): boolean {
    if (type !== 'group' || !wanted.includes('targets') || attributes.has('targets')) return true;
    this.#report(
      `Group "${name}" has no targets`,
      block.labels[0]?.span ?? block.typeSpan,
      'Add targets = [ … ].',
    );
    return false;
  }

  #decode(instance: Instance, attribute: BodyAttribute): boolean {
    const { name } = attribute;
    const value = this.#names.evaluateReady(attribute.value, instance.row);
    if (value === undefined) return false;
    // The targets of a group are texts, as the parents of a target are.
    const decoded = decodeAttribute((name === 'targets' ? 'inherits' : name) as AttributeName, value);
    if (!decoded.ok) {
      this.wrongValues += 1;
      this.#report(
        `${name} of ${instance.type} "${instance.name}" cannot be used: ${decoded.error}`,
        attribute.value.span,
        undefined,
        'bake/value',
      );
      return false;
    }
    instance.values.set(name, decoded.value.value);
    const { inherits, ...values } = decoded.value.set;
    const { draft } = instance;
    if (inherits !== undefined) {
      draft.listPlace = attribute.value.span;
      if (name === 'targets') instance.targets = inherits;
      else draft.inherits = inherits;
    } else if (name === 'targets') instance.targets = undefined;
    else if (Object.keys(values).length > 0) {
      Object.assign(draft.values, values);
      draft.places.set(name as Exclude<AttributeName, 'inherits'>, attribute.span);
    }
    this.#noteBases(instance, attribute);
    return true;
  }

  /** Records base directories, for files whose paths are relative to themselves. */
  #noteBases({ draft }: Instance, { name, value, nameSpan }: BodyAttribute): void {
    const base = dirOf(nameSpan.source.path) ?? '';
    if (name === 'context') {
      draft.bases.context = base;
      const other = targetOfContext(value);
      if (other !== undefined) draft.bases.contextOf = other;
    }
    if (name === 'contexts')
      for (const key of draft.values.contexts?.keys() ?? []) draft.bases.contexts.set(key, base);
  }
}

function asWarning(found: Problem): Problem {
  return { ...found, severity: 'warning', message: `${found.message}, so bake ignores it` };
}

/** `target.NAME.context` */
function targetOfContext(expression: Expression): string | undefined {
  if (expression.kind !== 'attribute' || expression.name !== 'context') return undefined;
  const { of } = expression;
  if (of.kind !== 'attribute' || of.of.kind !== 'variable' || of.of.name !== 'target') return undefined;
  return of.name;
}

/** Cached values of instances, with the number of attributes that were evaluated. */
const known = new WeakMap<Instance, { readonly size: number; readonly value: Value }>();

/** A target or group as seen by references: attributes that are not set are empty lists and nulls. */
function valueOfInstance(instance: Instance): Value {
  const { type, values } = instance;
  const before = known.get(instance);
  if (before?.size === values.size) return before.value;
  const unset =
    type === 'group'
      ? [['description', textValue('')] as const, ['targets', nullOf(listOf(STRING, []).type)] as const]
      : TARGET_ATTRIBUTES.map((name) => [name, valueWhenUnset(name)] as const);
  const value = objectOf(new Map<string, Value>([...unset, ...values]));
  known.set(instance, { size: values.size, value });
  return value;
}
