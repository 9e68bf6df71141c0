/** Progress notices of the engine's functions. They are plain records; the receiver decides how to show them. */
import type { Environment } from '../model/mod.ts';

/** A progress notice. */
export interface EngineNotice {
  /** A package or a daemon: `buildkit`, `containerd`, `runc`, `registry`, `buildkitd`, `engine`. */
  readonly part: string;
  /** What is being done; `skipped` and `done` are the last notices of a part. */
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
  /** Total bytes, for downloads; absent: the server does not report it. */
  readonly totalBytes?: number;
  /** One of hundreds, such as each package that Go compiles: for a line that is updated in place, not for a log. */
  readonly isPassing?: true;
}

/** Receives notices. If it throws, the called function releases everything and rejects with that error. */
export type NotifyEngine = (notice: EngineNotice) => void;

/** Options of every function of this package. */
export interface EngineOptions {
  /** HOME, PATH, `BAKE_TS_HOME`, `BUILDKIT_HOST`, proxies; hand in `process.env`. */
  readonly env: Environment;
  /** Cancels the call; what it has started is undone. */
  readonly signal?: AbortSignal;
  /** Receives progress notices. */
  readonly notify?: NotifyEngine;
}
