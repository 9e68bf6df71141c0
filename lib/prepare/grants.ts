/**
 * Checks that everything that builds read, write and request is inside the repository or granted. Runs before any of
 * their files is opened, and only for builds of the plan: what is not built needs no grant.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  type Build,
  type Grants,
  isEntitled,
  needsGrant,
  notUntrusted,
  type Plan,
  type PlanNode,
  type Problem,
  type RegistrySettings,
  readablePaths,
  type SecretSource,
  type Span,
} from '../model/mod.ts';
import { isInGitDirectory, isWithin, leadsNowhere, RealPaths, readRegularFile } from '../system/mod.ts';
import { findInside, findRead } from './default-dockerfile.ts';

/** System-wide directories of certificates. */
const CERTIFICATES: readonly string[] = [
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
  '/etc/docker/certs.d',
  '/etc/containerd/certs.d',
  '/etc/buildkit',
];

type PathUse = 'context' | 'dockerfile' | 'secret' | 'cache' | 'cache-out' | 'output' | 'certificate';

/** One path of a build, and its use. */
interface UsedPath {
  readonly file: string;
  readonly use: PathUse;
  /** The key in builds.yaml that names it. */
  readonly key: string;
  readonly written: string;
  readonly span?: Span | undefined;
}

/**
 * What the builds of a plan may not do when they run: one problem for each missing grant (`config/needs-grant`), and for
 * what an untrusted file may never do (`config/untrusted`).
 *
 * @param cwd absolute; grants in messages are relative to it if that is shorter
 */
export function findRefused(plan: Plan, cwd: string): readonly Problem[] {
  const check = new GrantCheck(plan.set.grants, cwd);
  return mergeNeeds([
    ...findGitCredentials(plan.set.grants),
    ...[...plan.nodes.values()].flatMap((node) => check.problemsOfRunning(node)),
    ...check.problemsOfRegistries(plan.set.registries),
    // Problems that are the same for all builds are one record.
    ...new Set([...plan.nodes.values()].flatMap(({ build }) => build.cautions ?? [])),
  ]);
}

/** A token in a URL, or in a header that CI systems configure for git. */
const GIT_CREDENTIAL = /^[^#;\n]*(?:extraheader|:\/\/[^\s/@]+@)/im;

/** CI systems leave credentials in git's configuration, and a build could copy them from its context. */
function findGitCredentials({ untrusted, repositories }: Grants): readonly Problem[] {
  if (!untrusted) return [];
  return repositories.flatMap((repository) => {
    const file = path.join(repository, '.git', 'config');
    let text = '';
    try {
      text = readRegularFile(file, MAX_GIT_CONFIG).toString('utf8');
    } catch {
      return [];
    }
    if (!GIT_CREDENTIAL.test(text)) return [];
    return notUntrusted(
      `${file} holds credentials, which an untrusted build could copy`,
      'Check out without them (actions/checkout: persist-credentials: false), or remove them first.',
    );
  });
}

const MAX_GIT_CONFIG = 1024 * 1024;

/** What one of them may not do in the current state of the disk: earlier builds may have written symlinks. */
export function findRefusedNow(plan: Plan, build: string, cwd: string): readonly Problem[] {
  const node = plan.nodes.get(build);
  if (node === undefined) return [];
  const check = new GrantCheck(plan.set.grants, cwd);
  return mergeNeeds([...check.problemsOfReading(node.build), ...check.problemsOfRunning(node)]);
}

/** Checks the builds of one plan. */
export class GrantCheck {
  readonly #grants: Grants;
  readonly #cwd: string;
  readonly #isLink: (file: string) => boolean;
  readonly #allowed: Readonly<Record<PathUse, readonly string[]>>;
  readonly #realPaths = new RealPaths();
  readonly #readable = new Map<Build, readonly Problem[]>();

  /**
   * @param cwd absolute; grants in messages are relative to it if that is shorter
   * @param isLink whether a Dockerfile may be a symlink: planning checks each of them anyway
   */
  constructor(grants: Grants, cwd: string, isLink: (file: string) => boolean = () => true) {
    this.#grants = grants;
    this.#cwd = cwd;
    this.#isLink = isLink;
    const { repositories, writes, secrets, caches, untrusted } = grants;
    const own = [...repositories, ...writes];
    const readable = readablePaths(grants);
    this.#allowed = {
      context: readable,
      dockerfile: readable,
      secret: [...readable, ...secrets],
      cache: [...readable, ...caches],
      certificate: [...readable, ...(untrusted ? [] : CERTIFICATES)],
      'cache-out': [...own, ...caches],
      output: own,
    };
  }

  /** Problems that forbid reading a build's context and Dockerfile. */
  problemsOfReading(build: Build): readonly Problem[] {
    if (this.#isPlain(build)) return NONE;
    const known = this.#readable.get(build);
    if (known !== undefined) return known;
    const refused: string[] = [];
    const found: Problem[] = [];
    for (const used of [...contextsOf(build), ...dockerfilesOf(build)]) {
      const problem = this.#checkPath(build, used);
      if (problem === undefined) continue;
      const real = this.#realPaths.of(used.file);
      // Its Dockerfile is part of a context.
      if (!isWithin(real, refused)) found.push(problem);
      refused.push(real);
    }
    this.#readable.set(build, found);
    return found;
  }

  /** Whether it is the common case: a directory of the repository with its Dockerfile in it, and no symlink. */
  #isPlain({ context: { ref }, contexts, dockerfile }: Build): boolean {
    if (contexts.size > 0 || ref.kind !== 'local' || this.#realPaths.of(ref.path) !== ref.path) return false;
    if (!isWithin(ref.path, this.#allowed.context)) return false;
    if (this.#grants.untrusted && this.#reachesGit(ref.path, false)) return false;
    if (dockerfile.kind === 'inline') return true;
    const { path: file } = dockerfile;
    const isInside = file.startsWith(ref.path) && file.lastIndexOf(path.sep) === ref.path.length;
    return isInside && !this.#isLink(file);
  }

  /** What a build may not do when it runs; only requested builds write outputs. */
  problemsOfRunning({ build, role }: PlanNode): readonly Problem[] {
    const paths = [...pathsOf(build), ...(role === 'asked' ? outputsOf(build) : [])];
    return [
      ...paths.flatMap((one) => this.#checkPath(build, one) ?? []),
      ...this.#checkEntitlements(build),
      ...this.#checkBuildctlOptions(build),
      ...(this.#grants.untrusted ? this.#checkUntrusted(build) : []),
    ];
  }

  /** Files that registry access reads. */
  problemsOfRegistries(registries: ReadonlyMap<string, RegistrySettings>): readonly Problem[] {
    return [...registries].flatMap(([host, settings]) =>
      (['ca', 'cert', 'key'] as const).flatMap((key) => {
        const file = settings[key];
        if (file === undefined) return [];
        const used: UsedPath = { file, use: 'certificate', key: `registries.${host}.${key}`, written: file };
        return this.#checkPath(undefined, used) ?? [];
      }),
    );
  }

  #checkPath(build: Build | undefined, { file, use, key, written, span }: UsedPath): Problem | undefined {
    if (span?.source.isCommandLine === true) return undefined;
    const real =
      use === 'dockerfile' && !this.#isLink(file)
        ? path.join(this.#realPaths.of(path.dirname(file)), path.basename(file))
        : this.#realPaths.of(file);
    const writes = use === 'output' || use === 'cache-out';
    const isGit = (writes || this.#grants.untrusted) && this.#reachesGit(real, writes);
    const { writes: writable, reads } = this.#grants;
    const allowed = isGit ? [...writable, ...(writes ? [] : reads)] : this.#allowed[use];
    if (isWithin(real, allowed)) return undefined;
    const place = {
      ...(span === undefined ? {} : { span }),
      ...(build === undefined ? {} : { build: build.name }),
    };
    const named = `\`${key}\` is \`${written}\``;
    if (leadsNowhere(real))
      return notUntrusted(
        `${named}, which goes through too many symlinks`,
        'Use the path of the file itself.',
        place,
      );
    const leads = real === file ? '' : ` (which is ${real})`;
    const what = isGit ? `${named}, where git keeps hooks and credentials` : `${named}${leads}`;
    const grant = `${writes ? 'write' : 'read'}:${this.#shown(real)}`;
    return needsGrant({ what, grant, isInside: isWithin(real, this.#grants.repositories) }, place);
  }

  /**
   * Whether a path is in a git directory. For writes by untrusted files, also whether it contains one: an image may have
   * its own `.git`.
   */
  #reachesGit(real: string, writes: boolean): boolean {
    if (isInGitDirectory(real, this.#grants.repositories)) return true;
    if (!writes || !this.#grants.untrusted) return false;
    return (
      this.#grants.repositories.some((one) => isWithin(one, [real])) || existsSync(path.join(real, '.git'))
    );
  }

  /** Unknown options of buildctl may do anything; an untrusted file may not set any option. */
  #checkBuildctlOptions(build: Build): readonly Problem[] {
    return build.buildctlOptions.flatMap(({ name, files, span }) => {
      const place = { build: build.name, ...(span === undefined ? {} : { span }) };
      if (this.#grants.untrusted) {
        return notUntrusted(
          `\`buildctl-options\` has the option ${name}`,
          'Remove it: untrusted files may not pass options to buildctl.',
          place,
        );
      }
      const isGranted = this.#grants.buildctlOptions || span?.source.isCommandLine === true;
      if (files !== undefined || isGranted) return [];
      const what = `\`buildctl-options\` has the unknown option ${name}, which may do anything`;
      return needsGrant({ what, grant: 'buildctl-options' }, place);
    });
  }

  #checkEntitlements(build: Build): readonly Problem[] {
    const asked = new Set(build.entitlements);
    if (build.network === 'host') asked.add('network.host');
    return [...asked]
      .filter((name) => !isEntitled(this.#grants, name))
      .map((name) =>
        needsGrant(
          { what: `\`${build.name}\` requests ${WORDS[name] ?? `the entitlement ${name}`}`, grant: name },
          { build: build.name, ...(build.span === undefined ? {} : { span: build.span }) },
        ),
      );
  }

  /** Exporters of one build run concurrently: what one writes must not redirect another. */
  #checkNested(build: Build): readonly Problem[] {
    const written = [...outputsOf(build), ...pathsOf(build).filter(({ use }) => use === 'cache-out')];
    const reals = written.map(({ file }) => this.#realPaths.of(file));
    const isNested = reals.some((one, at) =>
      reals.some((other, index) => at !== index && isWithin(one, [other])),
    );
    if (!isNested) return [];
    return [
      notUntrusted(
        `\`${build.name}\` has an output inside another of its outputs`,
        'Give each output and cache a directory of its own.',
        { build: build.name, ...(build.span === undefined ? {} : { span: build.span }) },
      ),
    ];
  }

  #checkUntrusted(build: Build): readonly Problem[] {
    const secrets = build.secrets.flatMap((secret) => this.#checkSecret(build, secret) ?? []);
    const ssh = build.ssh
      .filter(() => !this.#grants.ssh)
      .map(({ id, span }) =>
        needsGrant(
          { what: `\`${build.name}\` uses the SSH agent or keys (\`${id}\`)`, grant: 'ssh' },
          { build: build.name, ...(span === undefined ? {} : { span }) },
        ),
      );
    return [...secrets, ...ssh, ...this.#checkNested(build)];
  }

  #checkSecret(build: Build, { id, from, span }: SecretSource): Problem | undefined {
    const place = { build: build.name, ...(span === undefined ? {} : { span }) };
    if (from.kind === 'command') {
      return notUntrusted(
        `The secret \`${id}\` comes from a command, which is not run for an untrusted file`,
        'Use a file or a variable instead, and allow it.',
        place,
      );
    }
    if (from.kind !== 'env' || this.#grants.variables.includes(from.variable)) return undefined;
    const what = `The secret \`${id}\` would be the environment variable ${from.variable}`;
    return needsGrant({ what, grant: `env:${from.variable}` }, place);
  }

  #shown(file: string): string {
    const short = path.relative(this.#cwd, file);
    return short !== '' && short.length < file.length ? short : file;
  }
}

const NONE: readonly Problem[] = [];

const WORDS: Readonly<Record<string, string>> = {
  'network.host': "the host's network",
  'security.insecure': 'steps with all privileges',
};

/** Merges the problems of several builds that lack the same grant. */
export function mergeNeeds(problems: readonly Problem[]): readonly Problem[] {
  const merged = new Map<string, { readonly found: Problem; readonly builds: string[] }>();
  for (const found of problems) {
    const key = `${found.code} ${found.hint} ${found.span?.start ?? found.message}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { found, builds: [] });
    else if (found.build !== undefined) known.builds.push(found.build);
  }
  return [...merged.values()].map(({ found, builds }) => {
    if (builds.length === 0) return found;
    const shown = builds.slice(0, 5).join(', ');
    const more = builds.length > 5 ? ` and ${builds.length - 5} more` : '';
    return { ...found, related: [{ message: `also ${shown}${more}` }] };
  });
}

function contextsOf(build: Build): readonly UsedPath[] {
  const { context, contexts } = build;
  const local = (key: string, { ref, written, span }: Build['context']): readonly UsedPath[] =>
    ref.kind === 'local' || ref.kind === 'oci-layout'
      ? [{ file: ref.path, use: 'context', key, written, span }]
      : [];
  return [
    ...local('context', context),
    ...[...contexts].flatMap(([name, source]) => local(`contexts.${name}`, source)),
  ];
}

/** The Dockerfile, the file that is read instead of it, and its ignore file, which may be a symlink as well. */
function dockerfilesOf({ dockerfile, context }: Build): readonly UsedPath[] {
  if (dockerfile.kind !== 'file' || !path.isAbsolute(dockerfile.path)) return [];
  const { path: file, written, span = context.span } = dockerfile;
  const used = (one: string, shown: string): UsedPath => ({
    file: one,
    use: 'dockerfile',
    key: 'dockerfile',
    written: shown,
    span,
  });
  const ignore = findInside(`${file}.dockerignore`);
  return [
    ...[...new Set([file, findRead(file)])].map((one) => used(one, written)),
    ...(ignore === undefined ? [] : [used(ignore, `${written}.dockerignore`)]),
  ];
}

function pathsOf({ cacheFrom, cacheTo, secrets, ssh, buildctlOptions }: Build): readonly UsedPath[] {
  const caches = (key: 'cache-from' | 'cache-to', attribute: 'src' | 'dest', all: Build['cacheFrom']) =>
    all.flatMap(({ type, attributes, writtenPath, span }): readonly UsedPath[] => {
      const file = type === 'local' ? attributes.get(attribute) : undefined;
      const use = key === 'cache-to' ? 'cache-out' : 'cache';
      return file === undefined ? [] : [{ file, use, key, written: writtenPath ?? file, span }];
    });
  return [
    ...caches('cache-from', 'src', cacheFrom),
    ...caches('cache-to', 'dest', cacheTo),
    ...secrets.flatMap(({ id, from, writtenPath, span }): readonly UsedPath[] =>
      from.kind === 'file'
        ? [{ file: from.path, use: 'secret', key: `secrets.${id}`, written: writtenPath ?? id, span }]
        : [],
    ),
    ...buildctlOptions.flatMap(({ name, files = [], span }) =>
      files.map(
        ({ path: file, written, use }): UsedPath => ({
          file,
          use: use === 'written' ? 'output' : use,
          key: `buildctl-options ${name}`,
          written,
          span,
        }),
      ),
    ),
    ...ssh.flatMap(({ id, paths, writtenPaths, span }) =>
      paths.map(
        (file, index): UsedPath => ({
          file,
          use: 'secret',
          key: `ssh.${id}`,
          written: writtenPaths?.[index] ?? file,
          span,
        }),
      ),
    ),
  ];
}

function outputsOf({ outputs }: Build): readonly UsedPath[] {
  return outputs.flatMap(({ attributes, writtenPath, span }): readonly UsedPath[] => {
    const file = attributes.get('dest');
    const isFile = file !== undefined && path.isAbsolute(file);
    return isFile ? [{ file, use: 'output', key: 'outputs', written: writtenPath ?? file, span }] : [];
  });
}
