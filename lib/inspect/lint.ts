/**
 * Dockerfile checks of a whole plan: how often each Dockerfile is checked, what replaces the builds that it reads, and
 * which findings are valid although those builds are missing.
 */
import path from 'node:path';
import {
  type Buildctl,
  type LintAnswer,
  type LintFinding,
  lintArgv,
  lintDockerfile,
  spanOfExcerpt,
} from '../buildctl/mod.ts';
import { type BaseConfig, type Dockerfile, inspectDockerfile, optionsOf } from '../dockerfile/mod.ts';
import { findLayouts, withLayouts } from '../inputs/mod.ts';
import {
  type Build,
  fail,
  familiarName,
  formatPlace,
  hasForeignFrontend,
  ok,
  type PlanNode,
  type Problem,
  type ProblemCode,
  parseImageRef,
  problem,
  type Result,
  type Span,
  targetOf,
} from '../model/mod.ts';
import { mergeMissingContexts, type PreparedPlan } from '../prepare/mod.ts';
import {
  checkJobs,
  ENGINES,
  type EngineAccess,
  Semaphore,
  withoutCredentials,
  withWorkDir,
} from '../run/mod.ts';
import { defaultJobs } from '../system/mod.ts';
import { followSignal } from '../util/follow-signal.ts';

/** What to check, and with what. */
export interface LintOptions {
  readonly prepared: PreparedPlan;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr`: the only engine that may be used. */
  readonly address?: string | readonly string[];
  /** Calls of buildctl at a time; default: two per processor. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  /** Default: the engines of this machine. */
  readonly engines?: EngineAccess;
  /** Called with a message if the engine has to be started first. */
  readonly notify?: (text: string) => void;
}

/** The results. */
export interface LintReport {
  /** Findings (`lint/…`), and problems that prevented a Dockerfile from being checked. */
  readonly problems: readonly Problem[];
  /** How many selected builds were checked. */
  readonly builds: number;
  /** How many different Dockerfiles those builds have. */
  readonly dockerfiles: number;
  /** Builds that were not checked, because their frontend (`source`) has rules of its own. */
  readonly passedOver: readonly string[];
}

/**
 * Checks the Dockerfiles of the requested builds. Nothing is built, neither the builds themselves nor those that their
 * Dockerfiles name. Fails only if there is no engine (`engine/…`) or no space for temporary files (`run/no-temp`).
 */
export async function lintPlan(options: LintOptions): Promise<Result<LintReport>> {
  checkJobs(options.jobs);
  const { plan, dockerfiles } = options.prepared;
  const asked = [...plan.nodes.values()].filter((node) => node.role === 'asked');
  const missing = asked.flatMap(({ build }) => dockerfiles.problemsOf(build.name));
  const unreadable = new Set(missing.flatMap((one) => one.build ?? []));
  const { grants } = plan.set;
  const nodes = asked.filter(
    ({ build }) =>
      !unreadable.has(build.name) && !hasForeignFrontend(build) && !(grants.untrusted && isRemote(build)),
  );
  const checked = asked.filter(({ build }) => !hasForeignFrontend(build));
  const problems = mergeMissingContexts(missing);
  const report = {
    builds: checked.length,
    dockerfiles: new Set(checked.map(({ build }) => fileOf(build))).size,
    passedOver: asked.flatMap(({ build }) => (hasForeignFrontend(build) ? build.name : [])),
  };
  if (nodes.length === 0) return ok({ ...report, problems });

  const { address, env, signal, notify, engines = ENGINES } = options;
  const engine = await engines.find({
    env,
    autoStart: true,
    anyOfPool: true,
    registries: plan.set.registries,
    ...(signal === undefined ? {} : { signal }),
    ...(notify === undefined ? {} : { notify: (notice) => notify(notice.text) }),
    ...(address === undefined ? {} : { flagAddress: address }),
    ...(plan.set.engine === undefined ? {} : { settings: plan.set.engine }),
  });
  if (!engine.ok) return fail(engine.error);
  const followed = followSignal(signal);
  const linted = await withWorkDir(async (workDir) => {
    const tool: Buildctl = {
      program: engine.value.buildctl,
      ...targetOf(engine.value),
      env: grants.untrusted ? withoutCredentials(env, workDir) : env,
      ...(engines.run === undefined ? {} : { run: engines.run }),
    };
    const permits = new Semaphore(options.jobs ?? defaultJobs());
    const known = new Map<string, Promise<LintAnswer>>();
    // Numbered: a hash of a Dockerfile is visible in the process list and could reveal a secret in the file.
    const dirs = new Map<string, string>();
    const dirOf = (file: string): string => {
      const dir = dirs.get(file) ?? path.join(workDir, `${dirs.size}`);
      dirs.set(file, dir);
      return dir;
    };
    const answers = await Promise.all(
      nodes.map(async (node) => {
        const { build } = node;
        const standIns = standInsOf(node);
        const dockerfile = dockerfiles.dockerfileOf(build);
        const source = dockerfile?.ok === true ? dockerfile.value.source : undefined;
        const isolated = grants.untrusted;
        const read = withLayouts(build, findLayouts(build).digests);
        const call = { build: read, standIns, isolated, workDir: dirOf(fileOf(build)) };
        // Builds that look the same to the frontend share one check.
        const key = [fileOf(build), ...lintArgv(call, { address: '' }, {}, '')].join('\0');
        const answer =
          known.get(key) ??
          permits.with(0, () =>
            lintDockerfile(tool, {
              ...call,
              ...(source === undefined ? {} : { dockerfile: source }),
              signal: followed.signal,
            }),
          );
        known.set(key, answer);
        return { node, answer: await answer };
      }),
    );
    const linter = new Interpreter(options.prepared);
    const found = answers.flatMap(({ node, answer }) => linter.problemsOf(node, answer));
    return { ...report, problems: [...problems, ...mergeBuilds(found, nodes)] };
  }).finally(followed.release);
  return linted.ok ? linted : fail([linted.error]);
}

/** The identity of a Dockerfile: its path, or its text if it is inline. */
function fileOf(build: Build): string {
  return build.dockerfile.kind === 'inline'
    ? `inline\n${build.dockerfile.text}`
    : `${build.context.written}\n${build.dockerfile.path}`;
}

/** Names under which the Dockerfile reads other builds. */
function standInsOf(node: PlanNode): readonly string[] {
  const named = [...node.build.contexts].flatMap(([name, source]) =>
    source.ref.kind === 'build' ? name : [],
  );
  return [...new Set([...named, ...node.edges.flatMap((edge) => edge.contextName ?? [])])];
}

/** Whether the Dockerfile would have to be downloaded. */
function isRemote({ context }: Build): boolean {
  return context.ref.kind === 'git' || context.ref.kind === 'http';
}

/** A finding with its place and the check that reported it. */
interface PlacedFinding {
  readonly finding: LintFinding;
  readonly span: Span | undefined;
  readonly node: PlanNode;
  readonly dockerfile: Dockerfile;
  readonly answer: LintAnswer;
}

/** Converts findings to problems; knows which builds and images were replaced. */
class Interpreter {
  readonly #prepared: PreparedPlan;
  readonly #produced = new Map<string, BaseConfig | undefined>();

  constructor(prepared: PreparedPlan) {
    this.#prepared = prepared;
  }

  problemsOf(node: PlanNode, answer: LintAnswer): readonly Problem[] {
    const { build } = node;
    const read = this.#prepared.dockerfiles.dockerfileOf(build);
    const dockerfile = read?.ok === true ? read.value : undefined;
    const strict = dockerfile !== undefined && treatsAsErrors(dockerfile, build);
    const found: Problem[] = [];
    for (const finding of answer.findings) {
      const span =
        dockerfile === undefined || finding.excerpt === undefined
          ? undefined
          : spanOfExcerpt(dockerfile.source, finding.excerpt);
      if (dockerfile !== undefined && this.#isMoot({ finding, span, node, dockerfile, answer })) continue;
      found.push(
        problem(codeOf(finding), finding.message, {
          severity: strict ? 'error' : 'warning',
          build: build.name,
          hint:
            finding.url === undefined
              ? `skip it with \`# check=skip=${finding.rule}\` on the first line`
              : `see ${finding.url}`,
          ...(span === undefined ? {} : { span }),
          ...(span !== undefined || finding.excerpt === undefined
            ? {}
            : { detail: `${finding.excerpt.file}:${finding.excerpt.firstLine}` }),
        }),
      );
    }
    if (!this.#prepared.plan.set.grants.untrusted) found.push(...unresolvedProblems(node, answer));
    if (answer.problem !== undefined) found.push({ ...answer.problem, build: build.name });
    return found;
  }

  /**
   * The empty image that replaces another build, or a base image that could not be resolved, sets no variables. A
   * variable that the real image sets, or may set, is neither undefined nor empty.
   */
  #isMoot({ finding, span, node, dockerfile, answer }: PlacedFinding): boolean {
    if (span === undefined) return false;
    const variables = variablesOf(finding, span);
    if (variables.length === 0) return false;
    const base = baseAt(node, dockerfile, span.start);
    if (base === undefined) return false;
    const edge = node.edges.find((one) => one.contextName === base);
    if (edge !== undefined) {
      const produced = this.#produces(edge.to);
      const names = produced?.env.map((one) => one.slice(0, one.indexOf('=')));
      return names === undefined || variables.some((one) => names.includes(one));
    }
    const ref = parseImageRef(base);
    const name = ref === undefined ? base : familiarName(ref);
    return answer.unresolved.some((image) => {
      const other = parseImageRef(image);
      return image === base || (other !== undefined && familiarName(other) === name);
    });
  }

  /** Variables that the image of a build sets; undefined if they come from an image that was not queried here. */
  #produces(name: string): BaseConfig | undefined {
    if (this.#produced.has(name)) return this.#produced.get(name);
    const { plan, dockerfiles } = this.#prepared;
    const node = plan.nodes.get(name);
    const dockerfile = node === undefined ? undefined : dockerfiles.dockerfileOf(node.build);
    if (node === undefined || dockerfile?.ok !== true) return undefined;
    const bases = new Map<string, BaseConfig>();
    for (const edge of node.edges) {
      const config = edge.contextName === undefined ? undefined : this.#produces(edge.to);
      if (edge.contextName !== undefined && config !== undefined) bases.set(edge.contextName, config);
    }
    const facts = inspectDockerfile(dockerfile.value, {
      ...optionsOf(node.build),
      contextNames: new Set(standInsOf(node)),
      bases,
    });
    const produced = facts.ok ? facts.value.produces : undefined;
    this.#produced.set(name, produced);
    return produced;
  }
}

/** Variables whose value decides whether a rule reports a finding. */
function variablesOf(finding: LintFinding, span: Span): readonly string[] {
  const words = {
    UndefinedVar: finding.message,
    WorkdirRelativePath: span.source.text.slice(span.start, span.end),
  }[finding.rule];
  return [...(words ?? '').matchAll(/\$\{?([A-Za-z_]\w*)/g)].flatMap(([, name]) => name ?? []);
}

/** What the stage at a place is finally based on: an image, or the name of a context. */
function baseAt(node: PlanNode, dockerfile: Dockerfile, offset: number): string | undefined {
  const contextNames = new Set(standInsOf(node));
  // The stage of a place does not depend on the target.
  const { target: _, ...options } = optionsOf(node.build);
  const facts = inspectDockerfile(dockerfile, { ...options, contextNames });
  if (!facts.ok) return undefined;
  const { stages } = facts.value;
  let stage = stages.findLast((one) => one.span.start <= offset);
  while (stage !== undefined) {
    const { base, index } = stage;
    if (contextNames.has(base)) return base;
    // Stage names are lower case here, and FROM is case-sensitive (buildkit dockerfile2llb, `addState`).
    const earlier = stages.findLast((one) => one.index < index && one.name === base);
    if (earlier === undefined) return base;
    stage = earlier;
  }
  return undefined;
}

/** The rule in the form of its URL (`…/rule/json-args-recommended/`), otherwise its name converted to that form. */
function codeOf(finding: LintFinding): ProblemCode {
  const slug = /\/rule\/([a-z0-9-]+)\/?$/.exec(finding.url ?? '')?.[1];
  return `lint/${slug ?? finding.rule.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()}`;
}

/** Whether the Dockerfile or the build sets `error=true` (https://docs.docker.com/build/checks/). */
function treatsAsErrors(dockerfile: Dockerfile, build: Build): boolean {
  const written =
    build.args.get('BUILDKIT_DOCKERFILE_CHECK') ??
    /^(?:[ \t]*#[^\n]*\n)*?[ \t]*#[ \t]*check[ \t]*=([^\n]*)/i.exec(dockerfile.source.text)?.[1] ??
    '';
  return /(?:^|;)\s*error\s*=\s*(?:true|1)\s*(?:;|$)/i.test(written);
}

function unresolvedProblems(node: PlanNode, answer: LintAnswer): readonly Problem[] {
  return answer.unresolved.flatMap((image) => {
    const ref = parseImageRef(image);
    const used = node.externalImages.find(
      (one) => ref !== undefined && one.ref !== undefined && familiarName(one.ref) === familiarName(ref),
    );
    // Stages that this build does not use are not relevant.
    if (used === undefined) return [];
    return [
      problem(
        'lint/base-unknown',
        `\`${used.written}\` cannot be resolved; checks that need it were skipped`,
        {
          severity: 'warning',
          build: node.build.name,
          hint: 'check its name, and that the engine can reach its registry',
          ...(used.span === undefined ? {} : { span: used.span }),
        },
      ),
    ];
  });
}

/** Reports findings of a Dockerfile that several builds use once, with the builds if not all of them are affected. */
function mergeBuilds(found: readonly Problem[], nodes: readonly PlanNode[]): readonly Problem[] {
  const users = new Map<string, number>();
  for (const { build } of nodes) users.set(fileOf(build), (users.get(fileOf(build)) ?? 0) + 1);
  const fileByBuild = new Map(nodes.map(({ build }) => [build.name, fileOf(build)]));
  const merged = new Map<string, { readonly first: Problem; readonly builds: string[] }>();
  for (const one of found) {
    const place = one.span === undefined ? `${one.build}` : `${formatPlace(one.span)} ${one.span.end}`;
    const key = [one.code, one.severity, place, one.message].join('\0');
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { first: one, builds: [one.build ?? ''] });
    else known.builds.push(one.build ?? '');
  }
  return [...merged.values()].map(({ first, builds }) => {
    const [name = ''] = builds;
    if (first.span === undefined) return first;
    const { build: _, ...rest } = first;
    return users.get(fileByBuild.get(name) ?? '') === builds.length
      ? rest
      : { ...rest, build: builds.join(', ') };
  });
}
