/** What builds.yaml says of engines. */
import type { ImageRef } from './image-ref.ts';
import type { Span } from './source.ts';

/** The pods of a Kubernetes cluster in which buildkitd runs. */
export interface KubernetesPods {
  /** Kubernetes' own selector of labels: `app=buildkitd`. */
  readonly selector: string;
  /** Default: that of the kubectl context. */
  readonly namespace?: string;
  /** The container of buildkitd; default: the pod's first, as kubectl chooses. */
  readonly container?: string;
  /** Of kubectl's configuration; default: the current one. */
  readonly context?: string;
}

/** Engines of a pool: one by its address, or the pods of a cluster. */
export interface PoolEntry {
  /** As buildctl takes it; absent: `kubernetes` says which. */
  readonly address?: string;
  /** Each pod that is ready is an engine. Absent: `address` says which. */
  readonly kubernetes?: KubernetesPods;
  /** Normalised (`linux/arm64`): what is built there, emulated or not. Empty: what its own architecture runs. */
  readonly platforms: readonly string[];
  /** How many builds run at the same time. */
  readonly jobs?: number;
  /** Labels that builds may require. */
  readonly labels: readonly string[];
  /** Where it is written; absent: not in a file. */
  readonly span?: Span;
}

/** Files for connections with TLS, as absolute paths. */
export interface EngineTls {
  /** Certificates that the engine's own must be signed by. */
  readonly ca?: string;
  /** The client's certificate. */
  readonly cert?: string;
  /** And its key. */
  readonly key?: string;
  /** The name that the engine's certificate must have; default: the host of the address. */
  readonly serverName?: string;
}

/** `engine:` of builds.yaml. */
export interface EngineSettings {
  /** `engine.address`: one engine. */
  readonly address?: string;
  /** `engine.pool`; empty: there is none. */
  readonly pool: readonly PoolEntry[];
  /** For all `tcp://` engines; absent: connections are plain text. */
  readonly tls?: EngineTls;
  /** A repository through which results that are not pushed go from engine to engine. */
  readonly scratch?: ImageRef;
}
