/**
 * The pages that `bake-ts docs` shows, in the order of its list. A test compares them with the files in docs/. The
 * library reference, which editors show, and the list of mutants are left out.
 */

/** A group of related pages: the name of each (its path in docs/ without `.md`), and what it is about. */
export interface PageGroup {
  readonly title: string;
  readonly pages: readonly (readonly [name: string, about: string])[];
}

/** The groups, in order. */
export const CONTENTS: readonly PageGroup[] = [
  {
    title: 'Start',
    pages: [
      ['install', 'Install bake-ts: npm, Deno, one file, an executable'],
      ['tutorial', 'Build, change and ask why: three images in ten minutes'],
      ['bake', 'Run a bake or Compose repository without changing it'],
      ['import', 'Convert bake and Compose files to a builds.yaml'],
      ['migrate', 'Move from bake, Compose, a Makefile or a shell script to builds.yaml'],
      ['from-buildctl', 'Move from buildctl and ctr to bake-ts'],
      ['glossary', 'The terms that bake-ts adds to those of BuildKit'],
    ],
  },
  {
    title: 'Describe builds',
    pages: [
      ['language', 'builds.yaml: builds, variables, templates, matrices, overrides'],
      ['reference/builds-yaml', 'Every key of builds.yaml with type, default and an example'],
      ['buildctl', 'Which key of builds.yaml sets which option of buildctl'],
      ['keys', 'What is part of the key of a build, and what is not'],
      ['caching', 'Which steps run when a parent or an input changes'],
    ],
  },
  {
    title: 'Run builds',
    pages: [
      ['cli', 'Output, exit codes and commands, explained'],
      ['reference/commands', 'Every command with its options'],
      ['watch', 'Build again whenever a file changes'],
      ['history', 'Logs and results of earlier runs'],
      ['report', 'The report page: a run as one HTML file'],
      ['traces', 'Traces for Perfetto and OpenTelemetry, JUnit reports'],
      ['verify', 'Check that a tag holds what its build makes'],
      ['promote', 'Copy a release from staging to production by digest'],
      ['registry', 'Sign-in, TLS, mirrors and limits of registries'],
    ],
  },
  {
    title: 'Engines and CI',
    pages: [
      ['engine', 'Find, install, upgrade and clean up an engine'],
      ['elsewhere', 'Build on another machine, from macOS and Windows'],
      ['scale', 'Use several engines as one pool'],
      ['pool-figures', 'Measurements of pools'],
      ['ci', 'GitHub Actions, GitLab CI, Argo Workflows, Tekton'],
      ['proxy', 'Proxies, mirrors and a certificate authority of your own'],
      ['permissions', 'The flags of Deno and Node that each command needs'],
      ['security', 'What a builds.yaml may do, and builds of strangers'],
    ],
  },
  {
    title: 'Scripts and programs',
    pages: [
      ['library', 'The library: calls, events, results'],
      ['scripts', 'Complete programs to start from'],
      ['events', 'Every event of a run with its fields'],
    ],
  },
  {
    title: 'Problem codes (or: bake-ts why CODE)',
    pages: [
      ['failures', 'All areas, one page each'],
      ['failures/bake', 'Bake and Compose files'],
      ['failures/build', 'Building one image'],
      ['failures/cli', 'The command line'],
      ['failures/config', 'builds.yaml'],
      ['failures/context', 'Build contexts'],
      ['failures/dockerfile', 'Dockerfiles'],
      ['failures/engine', 'Engines'],
      ['failures/import', 'Importing files'],
      ['failures/lint', 'Lint findings'],
      ['failures/plan', 'Planning'],
      ['failures/registry', 'Registries'],
      ['failures/run', 'Runs, promotions and merges'],
      ['failures/state', 'Kept records'],
      ['failures/system', 'The operating system'],
    ],
  },
  {
    title: 'How bake-ts is made',
    pages: [
      ['architecture', 'The packages of the source and what each may import'],
      ['decisions', 'Why things are as they are'],
    ],
  },
];

/** The names of all pages. */
export const PAGE_NAMES: readonly string[] = CONTENTS.flatMap(({ pages }) => pages.map(([name]) => name));
