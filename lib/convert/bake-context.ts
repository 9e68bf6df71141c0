/** Shared by all parts of the import of a bake file: names, their types, and how expressions are written. */
import type { Expression } from '../hcl/mod.ts';
import type { BakeBlock, BakeFiles } from './bake-file.ts';
import { wordOf } from './bake-file.ts';
import { type FunctionMemory, type KeptFunctions, keepFunctions } from './bake-functions.ts';
import { member, tight, Untranslatable } from './cel-text.ts';
import { readDeclared } from './declared-type.ts';
import type { Draft } from './draft.ts';
import { writeCall } from './hcl-calls.ts';
import { write } from './hcl-cel.ts';
import type { Binding, FileFunction, Names, Writing } from './hcl-writing.ts';
import { Marks } from './marks.ts';
import { ANY, type StaticType, TEXT } from './static-type.ts';

/** One import of bake files. */
export interface BakeImport {
  readonly files: BakeFiles;
  readonly draft: Draft;
  readonly marks: Marks;
  /** Name of a target in the files → name of the build. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of all matrix rows, if known. */
  readonly rowNames?: ReadonlySet<string>;
  /** Variable in the files → variable in builds.yaml. */
  readonly variables: ReadonlyMap<string, string>;
  /** State for writing expressions that use the names of the file. */
  readonly writing: () => Writing;
  readonly typeOf: (variable: string) => StaticType;
  /** Functions that are converted to functions. */
  readonly kept: KeptFunctions;
}

/** bake's variable for the machine's platform; becomes a variable here if it is used for anything but platforms. */
export const LOCAL_PLATFORM = 'BAKE_LOCAL_PLATFORM';

/** Limit for the expressions of one value; nobody reads longer ones. */
const MAX_WORK = 20_000;

/** Makes the context of an import. */
export function createBakeImport(
  files: BakeFiles,
  draft: Draft,
  names: ReadonlyMap<string, string>,
  memory: FunctionMemory,
): BakeImport {
  const variables = fitVariables([...files.variables.keys(), ...files.values.keys()]);
  const functions = readFunctions(files.functions);
  const marks = new Marks();
  const types = new Map<string, StaticType>();
  const open = new Set<string>();

  function lookup(name: string): Binding | undefined {
    const fitted = variables.get(name);
    if (fitted !== undefined) return { kind: 'cel', written: member(tight('vars'), fitted, typeOf(name)) };
    if (name === 'target' || name === 'group') return undefined;
    if (name === LOCAL_PLATFORM) return { kind: 'cel', written: member(tight('vars'), name, TEXT) };
    if (name.startsWith('BAKE_')) return { kind: 'none', why: `${name} exists only in bake` };
    return undefined;
  }

  function typeOf(name: string): StaticType {
    const known = types.get(name);
    if (known !== undefined) return known;
    if (open.has(name)) return ANY;
    open.add(name);
    const type = findType(name);
    open.delete(name);
    types.set(name, type);
    return type;
  }

  function findType(name: string): StaticType {
    const value = files.values.get(name);
    const block = files.variables.get(name);
    const written = value?.attribute.value ?? attributeOf(block, 'default');
    const declaration = value === undefined ? attributeOf(block, 'type') : undefined;
    const declared = declaration === undefined ? undefined : readDeclared(declaration)?.type;
    if (written === undefined) return declared === undefined ? TEXT : { ...declared, nullable: true };
    const found = typeOfValue(written, writing());
    // Null without a declared type; a value from the environment is text.
    if (found.kind === 'null') return { ...(declared ?? TEXT), nullable: true };
    if (declared === undefined || declared.kind === 'any') return found;
    return found.nullable === true ? { ...declared, nullable: true } : declared;
  }

  const kept = keepFunctions({ functions, blocks: files.functions, writing: () => writing(), marks }, memory);
  const fileNames: Names = { lookup, global: lookup };
  const writing = (): Writing => ({
    names: fileNames,
    functions,
    writeCall,
    keepCall: kept.call,
    targetAttribute: (target, attribute) => attributeOf(files.targets.get(target)?.at(-1), attribute),
    locals: new Set(),
    depth: 0,
    isFilled: (text) => /^matrix(?:\.\w+)+$/.test(text),
    budget: { left: MAX_WORK },
  });
  return { files, draft, marks, names, variables, writing, typeOf, kept };
}

function typeOfValue(expression: Expression, w: Writing): StaticType {
  try {
    return write(expression, w).type;
  } catch (thrown) {
    if (thrown instanceof Untranslatable) return ANY;
    throw thrown;
  }
}

/** The expression of an attribute of a block. */
export function attributeOf(block: BakeBlock | undefined, name: string): Expression | undefined {
  return block?.attributes.find((attribute) => attribute.name === name)?.value;
}

/** Variable names of letters, digits and `_`. */
function fitVariables(wanted: readonly string[]): ReadonlyMap<string, string> {
  const names = [...new Set(wanted)];
  const taken = new Set(names);
  return new Map(
    names.map((name) => {
      if (/^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return [name, name];
      let fitted = name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9])/, '_') || '_';
      while (taken.has(fitted)) fitted += '_';
      taken.add(fitted);
      return [name, fitted];
    }),
  );
}

function readFunctions(blocks: ReadonlyMap<string, BakeBlock>): ReadonlyMap<string, FileFunction> {
  const functions = new Map<string, FileFunction>();
  for (const [name, block] of blocks) {
    const params = attributeOf(block, 'params');
    const result = attributeOf(block, 'result');
    const rest = attributeOf(block, 'variadic_params');
    if (params?.kind !== 'tuple' || result === undefined) continue;
    const word = rest === undefined ? undefined : wordOf(rest);
    functions.set(name, {
      parameters: params.items.map((item) => wordOf(item) ?? ''),
      ...(word === undefined ? {} : { rest: word }),
      result,
    });
  }
  return functions;
}
