/** The plan: which builds run, in what order, and the reason for each edge. Made without engine, network or secrets. */
import type { Build, BuildSet } from './build.ts';
import type { ImageRef } from './image-ref.ts';
import type { Span } from './source.ts';
import type { UnknownInput } from './unknown.ts';

/** Why one build waits for another. `needs` only orders builds; the others pass files. */
export type EdgeReason = 'context' | 'from' | 'copy' | 'mount' | 'needs';

/** One build waits for another one and, except with `needs`, reads its result by digest. */
export interface Edge {
  /** Name of the build that is waited for. */
  readonly to: string;
  /** Why it is waited for. */
  readonly reason: EdgeReason;
  /** The name that the Dockerfile uses: that of the named context which links the two. Undefined for `needs`. */
  readonly contextName?: string;
  /** For `context`: how the Dockerfile uses it (FROM takes precedence); undefined if not known. */
  readonly use?: 'from' | 'copy' | 'mount';
  /** Set if the Dockerfile fixes the platform of what it reads (`FROM --platform=…`). */
  readonly platform?: string;
  /** Place of the line that creates the edge. */
  readonly span?: Span;
}

/** An image that a build reads and that no build of the plan produces. */
export interface ExternalImage {
  /** As written in the Dockerfile or in `contexts`, arguments expanded. */
  readonly written: string;
  /** Parsed; undefined if the text is not a valid reference. */
  readonly ref?: ImageRef;
  /** How the build uses it; `syntax` is a frontend, `attest` the generator of an attestation. */
  readonly use: 'from' | 'copy' | 'mount' | 'context' | 'syntax' | 'attest';
  /** The named context that refers to it, if any. */
  readonly contextName?: string;
  /** The fixed platform (`FROM --platform=…`), if known. */
  readonly platform?: string;
  /** Where it is written. */
  readonly span?: Span;
}

/** A named context that is another build and is not read by anything that is built: it creates no edge. */
export interface UnusedContext {
  /** Its name in `contexts`. */
  readonly contextName: string;
  /** Name of the build that it refers to. */
  readonly to: string;
  /** Where it is written. */
  readonly span?: Span;
}

/** One build of the plan. */
export interface PlanNode {
  /** The build itself. */
  readonly build: Build;
  /** `asked`: the user selected it. `needed`: it is only a dependency of another build. */
  readonly role: 'asked' | 'needed';
  /** Edges to its dependencies in order of first mention, one for each (build, contextName). */
  readonly edges: readonly Edge[];
  /** Names of the builds that depend on it. */
  readonly neededBy: readonly string[];
  /** 0: no dependencies. Otherwise one more than the highest level of its dependencies. */
  readonly level: number;
  /** Whether its tags are pushed in this run. */
  readonly pushes: boolean;
  /** Images that it reads and that no build of the plan produces. */
  readonly externalImages: readonly ExternalImage[];
  /** Named contexts that refer to builds and are not read. */
  readonly unusedContexts: readonly UnusedContext[];
  /** Why its inputs cannot be known from here (remote context, dynamic reference); empty if all are known. */
  readonly unknowns: readonly UnknownInput[];
}

/** A plan, in an order in which every build comes after its dependencies. Otherwise the order is that of the file. */
export interface Plan {
  /** The set that was planned. */
  readonly set: BuildSet;
  /** By build name, each after its dependencies. */
  readonly nodes: ReadonlyMap<string, PlanNode>;
}
