/** What the engine's functions report while they work. Plain records: who shows them decides how. */
import type { Environment } from '../model/mod.ts';

/** One thing that happened on the way. Bytes are there for downloads. */
export interface EngineNotice {
  /** A package or a daemon: `buildkit`, `containerd`, `runc`, `registry`, `buildkitd`, `engine`. */
  readonly part: string;
  readonly step:
    | 'checking'
    | 'waiting'
    | 'downloading'
    | 'verifying'
    | 'unpacking'
    | 'building'
    | 'starting'
    | 'stopping'
    | 'skipped'
    | 'done';
  readonly text: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
}

/** Sees notices as they come. Where it throws, the function that was called rejects with that, and holds nothing any more. */
export type NotifyEngine = (notice: EngineNotice) => void;

/** What every function of this package takes. */
export interface EngineOptions {
  readonly env: Environment;
  readonly signal?: AbortSignal;
  readonly notify?: NotifyEngine;
}
