/** What targets are read with, whoever wrote them. */
import type { Json } from '../model/mod.ts';
import type { TextReader } from './attributes.ts';
import type { DraftBuild } from './draft.ts';

/** What a target is read with. */
export interface TargetReader extends TextReader {
  /** The name a build of the source has here. */
  readonly nameOf: (name: string) => string;
  /** True where a parent may have set something else: then outputs say in full what they are. */
  readonly mayInherit: boolean;
  /** Where more is known: whether a parent may have set this key of ours. */
  readonly inherits?: (key: string) => boolean;
  /** Annotations that a loop makes, as one map; undefined: there are none. */
  readonly annotationsOf?: (value: unknown) => Json | undefined;
  /** Takes down what cannot be carried over: one sentence without the target's name. */
  readonly note: (sentence: string) => void;
}

/** A target reader with a build to fill. */
export interface Converter extends TargetReader {
  readonly build: DraftBuild;
  readonly inherits: (key: string) => boolean;
  readonly set: (key: string, value: Json | undefined) => void;
  /** Leaves a key out and says so, in the file and in the notes. */
  readonly drop: (key: string, value: unknown, why: string) => void;
}
