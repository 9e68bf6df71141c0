/** The model of a pipeline, independent of the CI system. */

/**
 * How builds are split into jobs. `level`: each level waits for the whole level before. `build`: one job per build,
 * which waits for its dependencies. `graph`: the same, but if there would be too many jobs, builds of one level share
 * jobs.
 */
export type Split = 'level' | 'build' | 'graph';

/** The limits of a CI system. */
export interface PipelineLimits {
  /** Most jobs of one level. */
  readonly jobsOfLevel: number;
  /** Most jobs of a pipeline. */
  readonly jobs: number;
  /** Most jobs that one job may wait for. */
  readonly needs: number;
  /** Whether job ids must be Kubernetes labels: lower case, digits and `-`, at most 63 characters (RFC 1123). */
  readonly labels?: boolean;
}

/** Where a platform is built: for example `linux/arm64` on the runner with this name. */
export interface Runner {
  /** Normalised. */
  readonly platform: string;
  readonly where: string;
}

/** Options of a pipeline. */
export interface PipelineOptions {
  readonly split: Split;
  readonly limits: PipelineLimits;
  /** Runners for single platforms; empty: every job builds all platforms of its builds. */
  readonly runners?: readonly Runner[];
}

/** One job: bake-ts is called with the names of some builds of the plan. */
export interface PipelineJob {
  /** Valid as an id in any system (letters, digits, `_` and `-`), and unique. */
  readonly id: string;
  /** The same for jobs of a level that differ only in their builds: `level-0`. With a job per build it is the id. */
  readonly group: string;
  /** `build`: whole builds. `platform`: some platforms of builds, by digest. `merge`: joins the results of `platform` jobs. */
  readonly kind: 'build' | 'platform' | 'merge';
  /** In the order of the plan; never empty. */
  readonly builds: readonly string[];
  /** The platforms of a `platform` job. */
  readonly platforms: readonly string[];
  /** The {@link Runner.where} of its runner; absent: any runner. */
  readonly where?: string;
  /** Ids of the jobs that it waits for. */
  readonly needs: readonly string[];
  /** Ids of the jobs whose images it uses: dependencies of its builds, or the parts that it joins. It always waits for them. */
  readonly takes: readonly string[];
}

/** A plan as jobs. */
export interface Pipeline {
  readonly split: Split;
  /** Jobs by level. Jobs of one level do not wait for each other, except merges, which follow the jobs whose parts they join. */
  readonly levels: readonly (readonly PipelineJob[])[];
  /** Registries that jobs push to and sign in to; loopback needs no sign-in. */
  readonly registries: readonly string[];
  /** Notes for people who read the pipeline, as sentences. */
  readonly notes: readonly PipelineNote[];
}

/** Something unexpected in the pipeline. */
export interface PipelineNote {
  readonly text: string;
  /** What to do about it. */
  readonly hint: string;
}
