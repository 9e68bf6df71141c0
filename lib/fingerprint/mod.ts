/** Keys: walking and hashing contexts, the key of a build, what changed between two keys. */
export { diffKeys } from './diff.ts';
export { ContextHasher, type ContextRequest, type HashedContext } from './hasher.ts';
export { computeKey, type KeyInput, type KeyResult, keyParts } from './key.ts';
export { diffOutline, type InputsOutline, outlineInputs, readOutline } from './outline.ts';
export { freshSourceName, sourceName } from './source-name.ts';
