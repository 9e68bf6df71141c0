/** What functions of ours throw in the middle of an expression. */

/** A failure inside one of our own functions, in words. */
export class FunctionFailure extends Error {}
