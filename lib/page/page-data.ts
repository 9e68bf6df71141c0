/** What the page is given, and what it carries as JSON. Types only: the browser application (page/) reads the same. */
import type { RunTimeline } from '../timeline/mod.ts';

/** What one step printed during one call of buildctl. */
export interface LogPart {
  /** Digest of the step; empty where it is not known. */
  readonly step: string;
  /** Which call of buildctl it belongs to, from 1; 0 for one before the build's turn. */
  readonly attempt: number;
  /** As it came, with its ANSI colours. */
  readonly text: string;
}

/** What is embedded of the log of a build. */
export interface BuildLog {
  /** In the order in which they began. */
  readonly parts: readonly LogPart[];
  /** Characters that were left out at the beginning. */
  readonly omitted: number;
}

/** What an earlier run made of a build. */
export interface PreviousBuild {
  readonly sizeBytes?: number;
  readonly durationMs?: number;
}

/** What a timeline does not hold. */
export interface PageExtra {
  /** `plan`: nothing ran yet; graph and table only. Default: `run`. */
  readonly kind?: 'run' | 'plan';
  readonly logs?: ReadonlyMap<string, BuildLog>;
  /** By name. Sizes of {@link import('../model/mod.ts').Outcome.lastSizeBytes} come first. */
  readonly previous?: ReadonlyMap<string, PreviousBuild>;
  /** More about the surroundings, as pairs of a name and a value. */
  readonly environment?: readonly (readonly [name: string, value: string])[];
  /** Command line that runs what failed again. Default: `bake-ts run` with the names, and the files where it is not builds.yaml. */
  readonly rerun?: string;
  /** Command line that shows the whole log of a build, without its name. Default: `bake-ts logs`. */
  readonly logsCommand?: string;
}

/** The JSON in the page. Logs are apart, each in an element of its own, so that only those that are opened are read. */
export interface PageData {
  readonly kind: 'run' | 'plan';
  readonly timeline: RunTimeline;
  readonly previous: Readonly<Record<string, PreviousBuild>>;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly rerun: string;
  readonly logsCommand: string;
  /** Which builds have a log in the page, by their place in the plan: how many characters, and how many were left out. */
  readonly logs: Readonly<Record<number, { readonly size: number; readonly omitted: number }>>;
}

/** The generated file: the browser application, and the hashes that the page's policy allows. */
export interface PageApp {
  readonly script: string;
  readonly style: string;
  readonly scriptHash: string;
  readonly styleHash: string;
}
