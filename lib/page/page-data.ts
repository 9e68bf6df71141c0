/** The input of the page, and the JSON embedded in it. Only types, which the browser application (page/) shares. */
import type { RunTimeline } from '../timeline/mod.ts';

/** What one step printed during one call of buildctl. */
export interface LogPart {
  /** Digest of the step; empty if unknown. */
  readonly step: string;
  /** Number of the buildctl call, from 1; 0 for one before the build's turn. */
  readonly attempt: number;
  /** Unchanged, with ANSI colours. */
  readonly text: string;
}

/** The embedded log of a build. */
export interface BuildLog {
  /** By start. */
  readonly parts: readonly LogPart[];
  /** Number of characters omitted at the start. */
  readonly omitted: number;
}

/** Results of a build in an earlier run. */
export interface PreviousBuild {
  readonly sizeBytes?: number;
  readonly durationMs?: number;
}

/** Data that a timeline does not contain. */
export interface PageExtra {
  /** `plan`: nothing ran yet; graph and table only. Default: `run`. */
  readonly kind?: 'run' | 'plan';
  readonly logs?: ReadonlyMap<string, BuildLog>;
  /** By name. Sizes in {@link import('../model/mod.ts').Outcome.lastSizeBytes} take precedence. */
  readonly previous?: ReadonlyMap<string, PreviousBuild>;
  /** More about the surroundings, as pairs of a name and a value. */
  readonly environment?: readonly (readonly [name: string, value: string])[];
  /** Command that runs failed builds again. Default: `bake-ts run` with the names, and with the files unless it is builds.yaml. */
  readonly rerun?: string;
  /** Command that shows the full log of a build, without its name. Default: `bake-ts logs`. */
  readonly logsCommand?: string;
}

/** The JSON in the page. Logs are in separate elements, so that only opened ones are parsed. */
export interface PageData {
  readonly kind: 'run' | 'plan';
  readonly timeline: RunTimeline;
  readonly previous: Readonly<Record<string, PreviousBuild>>;
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly rerun: string;
  readonly logsCommand: string;
  /** Builds with a log in the page, by their index in the plan: its length and the omitted characters. */
  readonly logs: Readonly<Record<number, { readonly size: number; readonly omitted: number }>>;
}

/** The generated file: the browser application, and the hashes that the page's policy allows. */
export interface PageApp {
  readonly script: string;
  readonly style: string;
  readonly scriptHash: string;
  readonly styleHash: string;
}
