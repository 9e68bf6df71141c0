/** HCL: its two syntaxes, its values, expressions and functions (https://github.com/hashicorp/hcl). Knows nothing of bake. */
export { attributesOf, contentOf, parseHclJson, unexpectedItems } from './content.ts';
export * from './conversion.ts';
export * from './json.ts';
export { expressionInJson } from './json-expression.ts';
export * from './number.ts';
export * from './number-text.ts';
export { parseHcl } from './parse-body.ts';
export type * from './syntax.ts';
export { SPLAT_ELEMENT } from './syntax.ts';
export * from './types.ts';
export type * from './value.ts';
export * from './values.ts';
