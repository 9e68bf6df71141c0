/**
 * Variables: where each value comes from (flag, file, environment, default), its type, and whether it is allowed.
 * A default is evaluated when somebody first asks for it, so that defaults may build on one another in any order.
 */
import { problem, type Variable } from '../model/mod.ts';
import { suggest } from '../util/suggest.ts';
import { toCel } from './cel.ts';
import { AlreadyReported, type Evaluator, type Scope } from './expression.ts';
import type { Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import type { VariableSchema } from './schema/check.ts';
import { atKey } from './tree.ts';
import type { FileValue } from './var-files.ts';
import { type Declaration, declare, isMisshapen, resolveVariable, type VariableSources } from './variable.ts';

/** All variables, and `vars` as expressions see it. */
export interface Variables {
  readonly all: ReadonlyMap<string, Variable>;
  readonly scope: Readonly<Record<string, unknown>>;
}

/** The declarations of the merged files, by name. */
export function declareVariables(merged: Merged): ReadonlyMap<string, Declaration> {
  return new Map([...merged.variables].map(([name, layers]) => [name, declare(name, layers)]));
}

/**
 * Reads the schemas that declarations have; what checks them is loaded where there is one.
 *
 * @returns by the names of variables; one whose schema has a mistake, which is reported, is not in it
 */
export async function readSchemas(
  declarations: ReadonlyMap<string, Declaration>,
  problems: Problems,
): Promise<ReadonlyMap<string, VariableSchema>> {
  const declared = [...declarations.values()].flatMap((declaration) => {
    const schema = declaration.keys.get('schema');
    return schema?.kind === 'map' && !isMisshapen(declaration) ? [{ ...declaration, schema }] : [];
  });
  if (declared.length === 0) return new Map();
  const { prepareSchemas } = await import('./schema/check.ts');
  return prepareSchemas(declared, problems);
}

/** What is known before. */
interface KnownVariables {
  readonly declarations: ReadonlyMap<string, Declaration>;
  readonly schemas: ReadonlyMap<string, VariableSchema>;
  /** Variables that have their values already; a declaration of the same name counts before one of them. */
  readonly given: ReadonlyMap<string, Variable>;
  /** What names are that nobody declares: a mistake, one in a bake file, or perhaps in use, since Compose declares none. */
  readonly unknown: 'own' | 'bake' | 'any';
}

/** Gives every variable its value. All values are computed, so that every problem shows in one go. */
export function resolveVariables(
  { declarations, schemas, given, unknown }: KnownVariables,
  inputs: VariableSources,
  fileValues: ReadonlyMap<string, FileValue>,
  outerScope: Scope,
  evaluator: Evaluator,
  problems: Problems,
): Variables {
  for (const name of inputs.vars?.keys() ?? []) {
    if (declarations.has(name) || given.has(name)) continue;
    if (unknown === 'any') continue;
    const near = suggest(name, [...declarations.keys(), ...given.keys()]);
    const declare = unknown === 'bake' ? `variable "${name}" {}` : `vars: { ${name}: … }`;
    const file = unknown === 'bake' ? 'file' : 'builds file';
    problems.add(
      problem('config/unknown-variable', `"${name}" is given a value, but no ${file} declares it`, {
        // bake takes it without a word.
        severity: unknown === 'bake' ? 'warning' : 'error',
        hint: near === undefined ? `Declare it: ${declare}.` : `Did you mean "${near}"?`,
      }),
    );
  }

  const all = new Map<string, Variable>();
  const failed = new Set<string>();
  const open: string[] = [];
  const scope = Object.create(null) as Record<string, unknown>;
  // Functions see variables as they come to be known: defaults may call them.
  evaluator.setGlobals({ ...outerScope, vars: scope });

  function valueOfVariable(declaration: Declaration): unknown {
    const { name } = declaration;
    if (failed.has(name)) throw new AlreadyReported();
    if (open.includes(name)) {
      const cycle = [...open.slice(open.indexOf(name)), name];
      for (const one of cycle) failed.add(one);
      problems.add(
        problem('config/variable-cycle', `Variables depend on one another in a cycle: ${cycle.join(' → ')}`, {
          hint: 'Give one of them a value that does not depend on the others.',
          ...atKey(declaration.map, declaration.entry),
        }),
      );
      throw new AlreadyReported();
    }
    if (isMisshapen(declaration)) {
      failed.add(name);
      throw new AlreadyReported();
    }
    open.push(name);
    const variable = resolveVariable(declaration, {
      inputs,
      fileValues,
      schema: schemas.get(name),
      scope: { ...outerScope, vars: scope },
      evaluator,
      problems,
    });
    open.pop();
    if (variable === undefined) {
      failed.add(name);
      throw new AlreadyReported();
    }
    all.set(name, variable);
    const value = toCel(variable.value);
    Object.defineProperty(scope, name, { value, enumerable: true });
    return value;
  }

  for (const [name, { value }] of given) {
    if (declarations.has(name)) continue;
    Object.defineProperty(scope, name, { value: toCel(value), enumerable: true });
  }
  for (const declaration of declarations.values()) {
    Object.defineProperty(scope, declaration.name, {
      enumerable: true,
      configurable: true,
      get: () => valueOfVariable(declaration),
    });
  }
  for (const declaration of declarations.values()) {
    if (all.has(declaration.name) || failed.has(declaration.name)) continue;
    try {
      valueOfVariable(declaration);
    } catch (thrown) {
      if (!(thrown instanceof AlreadyReported)) throw thrown;
    }
  }
  const ordered = new Map([...given].filter(([name]) => !declarations.has(name)));
  for (const name of declarations.keys()) {
    const variable = all.get(name);
    if (variable !== undefined) ordered.set(name, variable);
  }
  return { all: ordered, scope };
}
