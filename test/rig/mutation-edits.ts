/** Random edits of the repository of the mutation test: each says what it did, or that it found nothing to do. */
import type { Edit } from './mutation-bench.ts';
import { DOCKERFILE_EDITS } from './mutation-dockerfile-edits.ts';
import { FILE_EDITS } from './mutation-file-edits.ts';
import { SET_EDITS } from './mutation-set-edits.ts';

/** All edits, by kind. */
export const EDITS: Readonly<Record<string, Edit>> = {
  ...FILE_EDITS,
  ...DOCKERFILE_EDITS,
  ...SET_EDITS,
};
