/** HCL: its two syntaxes, its values, expressions and functions. Knows nothing of bake. */
export { parseHcl } from './parse-body.ts';
export type * from './syntax.ts';
export { SPLAT_ELEMENT } from './syntax.ts';
export type * from './value.ts';
