/** Exceptions of bake-ts's functions in expressions. */

/** A failure in one of bake-ts's functions, as text. */
export class FunctionFailure extends Error {}
