/** HCL: its two syntaxes, values, expressions and functions (https://github.com/hashicorp/hcl). Independent of bake. */
export { attributesOf, contentOf, parseHclJson, unexpectedItems } from './content.ts';
export * from './conversion.ts';
export { evaluate } from './evaluate.ts';
export { type Budget, newBudget, type Scope } from './evaluation.ts';
export { loadRegex, REGEX_FUNCTIONS, type RegexCompiler } from './functions/regex.ts';
export { type FunctionOptions, standardFunctions } from './functions/standard.ts';
export * from './json.ts';
export { expressionInJson } from './json-expression.ts';
export * from './number.ts';
export * from './number-text.ts';
export { parseHcl } from './parse-body.ts';
export { callsOf, type Traversal, variablesOf } from './references.ts';
export type * from './syntax.ts';
export { SPLAT_ELEMENT } from './syntax.ts';
export * from './type-expression.ts';
export * from './types.ts';
export type * from './value.ts';
export * from './values.ts';
