/** What the engine's functions report while they work. Plain records: who shows them decides how. */
import type { Environment } from '../model/mod.ts';

/** One thing that happened on the way. Bytes are there for downloads. */
export interface EngineNotice {
  /** A package or a daemon: `buildkit`, `containerd`, `runc`, `registry`, `buildkitd`, `engine`. */
  readonly part: string;
  /** What is being done; `skipped` and `done` are the last that is said of a part. */
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
  /** The same as text, with names and versions. */
  readonly text: string;
  /** Bytes so far, for downloads. */
  readonly bytes?: number;
  /** Bytes in all, for downloads; absent: the server does not say. */
  readonly totalBytes?: number;
}

/** Sees notices as they come. Where it throws, the function that was called rejects with that, and holds nothing any more. */
export type NotifyEngine = (notice: EngineNotice) => void;

/** What every function of this package takes. */
export interface EngineOptions {
  /** HOME, PATH, `BAKE_TS_HOME`, `BUILDKIT_HOST`, proxies; hand in `process.env`. */
  readonly env: Environment;
  /** Stops the call; what it had begun is undone. */
  readonly signal?: AbortSignal;
  /** Gets what happens on the way. */
  readonly notify?: NotifyEngine;
}
