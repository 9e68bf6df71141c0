/** What CI systems are given of a run, as text: annotations, job summaries, outputs, sections, dotenv files. Pure. */
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
