/** Options of a run of a plan, and of everything else that goes through a whole plan. */
import type { ContextReads } from '../dockerfile/mod.ts';
import type { ChangedFiles, EventSink, Plan } from '../model/mod.ts';
import type { DockerfileLibrary } from '../prepare/mod.ts';
import type { SignIn } from '../registry/mod.ts';
import type { Audit } from './audit.ts';
import type { Emit } from './emitter.ts';
import type { EngineAccess } from './engine-access.ts';
import type { EarlierResult } from './given.ts';
import type { RunProxies } from './proxies.ts';

/** How to run a plan. */
export interface BakeOptions {
  readonly plan: Plan;
  /** The library that the plan was made with. */
  readonly dockerfiles: DockerfileLibrary;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--addr`: the engine that is to be used and no other, or several. */
  readonly address?: string | readonly string[];
  /** Builds at a time, from 1 on; default: `defaultJobs`, two for each processor. */
  readonly jobs?: number;
  /** Build even what is unchanged. */
  readonly force?: boolean;
  /** Decide and say why, but run nothing and write nothing. */
  readonly dryRun?: boolean;
  /** Inspects the results before tags that move together move (see `createAudit`); not in a dry run. */
  readonly audit?: Audit;
  /** Move tags only when all builds succeeded, whatever `publish` says. */
  readonly atomic?: boolean;
  /**
   * What an earlier run made of builds from the same files. Those that this run needs and that were not requested are
   * taken as they are, where a repository of theirs has them.
   */
  readonly parents?: ReadonlyMap<string, EarlierResult>;
  /** Stop everything at the first failure; else what does not depend on it continues. */
  readonly failFast?: boolean;
  /** How long to wait, in all, for an engine that goes away in the middle of the run; default: 30 s. */
  readonly engineWaitMs?: number;
  /** Ends a build in which nothing moves for so long (milliseconds); default: it is only said. */
  readonly stallTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Gets all that happens, in order; where it throws, see `EventSink`. */
  readonly onEvent?: EventSink;
  /** Gets what a build reads of its local contexts as soon as that is known, its base images taken in; for who watches them. */
  readonly onReads?: (build: string, reads: ReadonlyMap<string, ContextReads>) => void;
  /** Said in `run-started`: bake-ts's version, and the runtime's name and version. */
  readonly version?: string;
  readonly runtime?: string;
  /** Said in `run-started`, but for sensitive values: the words of the command line after the program's name. */
  readonly command?: readonly string[];
  /** Said in `run-started`: what led to it, where that is a change of files. */
  readonly changed?: ChangedFiles;
  /** Processor architecture of this machine in Go's notation; default: what the runtime says it is. */
  readonly hostArchitecture?: string;
}

/** The options that opening a session goes by. */
export type SessionOptions = Pick<
  BakeOptions,
  | 'plan'
  | 'dockerfiles'
  | 'env'
  | 'address'
  | 'jobs'
  | 'dryRun'
  | 'force'
  | 'atomic'
  | 'parents'
  | 'engineWaitMs'
  | 'stallTimeoutMs'
  | 'signal'
  | 'hostArchitecture'
> & {
  /** Default: the engines of this machine. */
  readonly engines?: EngineAccess;
  /** Gets the events of the session; default: nobody. */
  readonly emit?: Emit;
  /** Default: as they are found now. */
  readonly proxies?: RunProxies;
  /** Asks no registry anything; the words say why. */
  readonly offline?: string;
  /** For one registry, instead of what the Docker config says of it. */
  readonly signIn?: SignIn;
  /** Waits before a retry, but not beyond the signal; tests need not wait. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** How long a push may take until it counts as a slow one; default: a second. */
  readonly slowPushMs?: number;
  /** How long nothing may move in a build until that is said; default: 30 s. */
  readonly stallNoticeMs?: number;
};
