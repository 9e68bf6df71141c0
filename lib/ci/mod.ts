/** Text for CI systems: annotations, job summaries, outputs, sections and dotenv files of runs, and pipelines of plans. Pure. */
export {
  type AnnotatedRun,
  type AnnotationStyle,
  type FileInRepository,
  formatAnnotation,
  formatAnnotations,
} from './github-annotations.ts';
export { formatOutputs, runOutputs } from './github-outputs.ts';
export { type Dotenv, formatDotenv } from './gitlab.ts';
export { formatJobSummary, type JobSummaryStyle } from './job-summary.ts';
export { createGithubGroups, createGitlabGroups, type LogGroups } from './log-groups.ts';
export { planPipeline } from './pipeline.ts';
export { printArgo } from './pipeline-argo.ts';
export { GITHUB_LIMITS, printGithub } from './pipeline-github.ts';
export { GITLAB_LIMITS, printGitlab } from './pipeline-gitlab.ts';
export type { Pipeline, PipelineLimits, Runner, Split } from './pipeline-model.ts';
export { POD_LIMITS } from './pipeline-pod.ts';
export { printTekton } from './pipeline-tekton.ts';
export type { PipelineSettings } from './pipeline-text.ts';
