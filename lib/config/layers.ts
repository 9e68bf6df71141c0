/** `extends`: the layers of a build, with parents from left to right and own keys last. */
import { problem } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import { type Evaluator, FAILED, hasExpression, type Scope } from './expression.ts';
import { KEY_RULES } from './keys.ts';
import type { Definition, Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import { at, atKey, child, isNull, jsonText, type MapNode, type Node, type ScalarNode } from './tree.ts';

/** Finds the layers of builds; those that do not depend on a row are found once. */
export interface LayerFinder {
  /** Nodes by key, lowest layer first, without nulls. */
  readonly layersOf: (definition: Definition, scope: Scope) => ReadonlyMap<string, readonly Node[]>;
}

/** Maximum number of templates of one build; one that is extended in two ways counts twice. */
const MAX_LAYERS = 1000;

/** Creates a finder for the templates and builds of the merged files. */
export function createLayerFinder(merged: Merged, evaluator: Evaluator, problems: Problems): LayerFinder {
  const constant = new Map<Definition, readonly MapNode[]>();

  function chainOf(
    definition: Definition,
    scope: Scope,
    open: readonly Definition[],
  ): { readonly layers: readonly MapNode[]; readonly isConstant: boolean } {
    const known = constant.get(definition);
    if (known !== undefined) return { layers: known, isConstant: true };
    if (open.includes(definition)) {
      const cycle = [...open.slice(open.indexOf(definition)), definition].map((one) => one.name);
      const { map, entry } = definition.keyOf;
      problems.add(
        problem('config/extends-cycle', `These extend one another in a cycle: ${cycle.join(' → ')}`, {
          hint: 'Move what they share into a template that extends none of them.',
          ...atKey(map, entry),
        }),
      );
      return { layers: [], isConstant: false };
    }
    const parents = parentsOf(definition, scope);
    const layers: MapNode[] = [];
    let { isConstant } = parents;
    for (const parent of parents.names) {
      const found = findParent(definition, parent);
      if (found === undefined) continue;
      const chain = chainOf(found, scope, [...open, definition]);
      layers.push(...chain.layers);
      isConstant &&= chain.isConstant;
    }
    layers.push(...definition.layers);
    if (layers.length > MAX_LAYERS) {
      const { map, entry } = definition.keyOf;
      problems.add(
        problem('config/extends-too-much', `"${definition.name}" extends more than ${MAX_LAYERS} templates`, {
          hint: 'Extend each template once: it counts each time that something extends it.',
          ...atKey(map, entry),
        }),
      );
      constant.set(definition, []);
      return { layers: [], isConstant: false };
    }
    if (isConstant) constant.set(definition, layers);
    return { layers, isConstant };
  }

  function findParent(
    definition: Definition,
    parent: { readonly name: string; readonly node: Node },
  ): Definition | undefined {
    const template = merged.templates.get(parent.name);
    // A build may extend the template with its own name; otherwise it cannot extend itself.
    const found = template ?? merged.builds.get(parent.name);
    if (found !== undefined) return found;
    const near = suggest(parent.name, [...merged.templates.keys(), ...merged.builds.keys()]);
    const names = [...merged.templates.keys()].slice(0, 8);
    problems.add(
      problem('config/unknown-template', `There is no template or build "${parent.name}" to extend`, {
        hint:
          near !== undefined
            ? `Did you mean "${near}"?`
            : names.length > 0
              ? `Templates: ${names.join(', ')}.`
              : 'Declare it below templates.',
        ...at(parent.node),
        build: definition.name,
      }),
    );
    return undefined;
  }

  function parentsOf(
    definition: Definition,
    scope: Scope,
  ): {
    readonly names: readonly { readonly name: string; readonly node: Node }[];
    readonly isConstant: boolean;
  } {
    const node = lastOf(definition, 'extends');
    if (node === undefined) return { names: [], isConstant: true };
    const nodes = node.kind === 'list' ? node.items : [node];
    const names: { name: string; node: Node }[] = [];
    let isConstant = true;
    for (const item of nodes) {
      if (item.kind !== 'scalar') continue;
      if (!hasExpression(item.text)) {
        if (item.value !== null && item.text !== '') names.push({ name: item.text, node: item });
        continue;
      }
      isConstant = false;
      names.push(...computedNames(item, scope));
    }
    return { names, isConstant };
  }

  function computedNames(item: ScalarNode, scope: Scope): readonly { name: string; node: Node }[] {
    const value = evaluator.scalar(item, scope);
    if (value === FAILED) return [];
    const values = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    return values
      .filter((one) => one !== null && one !== '')
      .map((one) => ({ name: jsonText(one), node: item }));
  }

  function layersOf(definition: Definition, scope: Scope): ReadonlyMap<string, readonly Node[]> {
    const nodes = new Map<string, Node[]>();
    for (const layer of chainOf(definition, scope, []).layers) {
      for (const [key, entry] of layer.entries) {
        if (isNull(entry.value) || !Object.hasOwn(KEY_RULES, key)) continue;
        const known = nodes.get(key);
        if (known === undefined) nodes.set(key, [entry.value]);
        else known.push(entry.value);
      }
    }
    return nodes;
  }

  return { layersOf };
}

/** The last file's value of a key that is not inherited. */
export function lastOf(definition: Definition, key: string): Node | undefined {
  for (let at = definition.layers.length - 1; at >= 0; at--) {
    const layer = definition.layers[at];
    const node = layer === undefined ? undefined : child(layer, key);
    if (node !== undefined) return node;
  }
  return undefined;
}
