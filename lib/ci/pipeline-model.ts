/** What a pipeline is, whatever system it is for. */

/**
 * How builds are spread over jobs. `level`: level by level, where a level waits for all of the one before; `build`: a job for each
 * build, which waits for what that needs; `graph`: the same, and where there would be too many jobs, builds of one level share some.
 */
export type Split = 'level' | 'build' | 'graph';

/** What a CI system takes. */
export interface PipelineLimits {
  /** Jobs of one level at most. */
  readonly jobsOfLevel: number;
  /** Jobs of a pipeline at most. */
  readonly jobs: number;
  /** Jobs that one may wait for at most. */
  readonly needs: number;
  /** Whether ids are to be labels as Kubernetes has them: lower case, digits and `-`, 63 at most (RFC 1123). */
  readonly labels?: boolean;
}

/** Where a platform is built: `linux/arm64` on what the system knows by this word. */
export interface Runner {
  /** Normalised. */
  readonly platform: string;
  readonly where: string;
}

/** What a pipeline is to be. */
export interface PipelineOptions {
  readonly split: Split;
  readonly limits: PipelineLimits;
  /** For platforms that have runners of their own; empty: every job builds all platforms of its builds. */
  readonly runners?: readonly Runner[];
}

/** One job: some builds of the plan, which bake-ts is given by name. */
export interface PipelineJob {
  /** Fit for an id in any system: letters, digits, `_` and `-`; no two jobs have one. */
  readonly id: string;
  /** Jobs of one level that differ only in their builds have one; `level-0`. By build it is the id. */
  readonly group: string;
  /** `build`: the whole builds; `platform`: what they are for some platforms, by digest; `merge`: joins what such jobs made. */
  readonly kind: 'build' | 'platform' | 'merge';
  /** In the order of the plan; never empty. */
  readonly builds: readonly string[];
  /** Of a `platform` job: for these. */
  readonly platforms: readonly string[];
  /** The {@link Runner.where} of its runner; absent: any will do. */
  readonly where?: string;
  /** Ids of the jobs that it waits for. */
  readonly needs: readonly string[];
  /** Ids of the jobs whose images it takes: those that make what its builds read, or the parts that it joins. All of them are done before it. */
  readonly takes: readonly string[];
}

/** A plan as jobs. */
export interface Pipeline {
  readonly split: Split;
  /** Jobs by level; those of one wait for none of it, but those that merge for those whose parts they join, which stand before them. */
  readonly levels: readonly (readonly PipelineJob[])[];
  /** Hosts that are pushed to and sign in; loopback needs none. */
  readonly registries: readonly string[];
  /** What whoever reads the pipeline should know, in sentences. */
  readonly notes: readonly PipelineNote[];
}

/** Something that is otherwise than one might expect. */
export interface PipelineNote {
  readonly text: string;
  /** What can be done about it. */
  readonly hint: string;
}
