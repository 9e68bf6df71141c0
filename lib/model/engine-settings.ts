/** Engine settings of builds.yaml. */
import type { ImageRef } from './image-ref.ts';
import type { Span } from './source.ts';

/** The pods of a Kubernetes cluster in which buildkitd runs. */
export interface KubernetesPods {
  /** Kubernetes label selector: `app=buildkitd`. */
  readonly selector: string;
  /** Default: the namespace of the kubectl context. */
  readonly namespace?: string;
  /** The container that runs buildkitd; default: kubectl's choice, the pod's first. */
  readonly container?: string;
  /** Context of the kubectl configuration; default: the current one. */
  readonly context?: string;
}

/** An entry of a pool: one engine by its address, or the pods of a cluster. */
export interface PoolEntry {
  /** In buildctl's form; absent: `kubernetes` is used. */
  readonly address?: string;
  /** Each ready pod is an engine. Absent: `address` is used. */
  readonly kubernetes?: KubernetesPods;
  /** Normalised (`linux/arm64`): what is built there, emulated or not. Empty: what its architecture runs natively. */
  readonly platforms: readonly string[];
  /** How many builds may run at the same time. */
  readonly jobs?: number;
  /** Labels that builds may require. */
  readonly labels: readonly string[];
  /** Its place; absent if it is in no file. */
  readonly span?: Span;
}

/** Files for connections with TLS, as absolute paths. */
export interface EngineTls {
  /** CA certificates that the engine's certificate must be signed by. */
  readonly ca?: string;
  /** The client's certificate. */
  readonly cert?: string;
  /** The client certificate's key. */
  readonly key?: string;
  /** The server name that the engine's certificate must have; default: the host of the address. */
  readonly serverName?: string;
}

/** `engine:` of builds.yaml. */
export interface EngineSettings {
  /** `engine.address`: one engine. */
  readonly address?: string;
  /** `engine.pool`; empty: not set. */
  readonly pool: readonly PoolEntry[];
  /** For all `tcp://` engines; absent: connections are not encrypted. */
  readonly tls?: EngineTls;
  /** A repository for passing results that are not pushed from one engine to another. */
  readonly scratch?: ImageRef;
}
