/**
 * The plan: which builds run, in what order, and why each edge is there. Made without engine, network or secrets.
 */
import type { Build, BuildSet } from './build.ts';
import type { ImageRef } from './image-ref.ts';
import type { Span } from './source.ts';
import type { UnknownInput } from './unknown.ts';

/** Why one build waits for another. `needs` is order only; the rest pass files. */
export type EdgeReason = 'context' | 'from' | 'copy' | 'mount' | 'needs';

/** One build waits for another one and, except with `needs`, reads its result by digest. */
export interface Edge {
  /** Name of the build that is waited for. */
  readonly to: string;
  /** Why it is waited for. */
  readonly reason: EdgeReason;
  /** What the Dockerfile calls it; the name of the named context that links the two. Undefined for `needs`. */
  readonly contextName?: string;
  /** For `context`: what the Dockerfile does with it, a FROM before anything else; undefined where that is not known. */
  readonly use?: 'from' | 'copy' | 'mount';
  /** Set where the Dockerfile fixes the platform of what it reads (`FROM --platform=…`). */
  readonly platform?: string;
  /** Place of the line that makes the edge. */
  readonly span?: Span;
}

/** An image that a build reads and that no build of the plan makes. */
export interface ExternalImage {
  /** As the Dockerfile or `contexts` writes it, arguments expanded. */
  readonly written: string;
  /** Parsed; undefined where what is written is not a valid reference. */
  readonly ref?: ImageRef;
  /** What the build does with it; `syntax` is a frontend, `attest` the generator of an attestation. */
  readonly use: 'from' | 'copy' | 'mount' | 'context' | 'syntax' | 'attest';
  /** Named context it comes through, if any. */
  readonly contextName?: string;
  /** A fixed platform (`FROM --platform=…`), if one is known. */
  readonly platform?: string;
  /** Where it is written. */
  readonly span?: Span;
}

/** A named context that is another build, and that nothing which is built reads: no edge, and no reason to build it. */
export interface UnusedContext {
  /** Its name in `contexts`. */
  readonly contextName: string;
  /** Name of the build that it stands for. */
  readonly to: string;
  /** Where it is written. */
  readonly span?: Span;
}

/** One build of the plan. */
export interface PlanNode {
  /** The build itself. */
  readonly build: Build;
  /** `asked`: the user selected it. `needed`: only another build needs it. */
  readonly role: 'asked' | 'needed';
  /** Edges to its dependencies, in order of first mention, one for each (build, contextName). */
  readonly edges: readonly Edge[];
  /** Names of the builds that depend on it. */
  readonly neededBy: readonly string[];
  /** 0: no dependencies. Otherwise one more than the highest level of its dependencies. */
  readonly level: number;
  /** Whether its tags are to be pushed in this run. */
  readonly pushes: boolean;
  /** Images that it reads and that no build of the plan makes. */
  readonly externalImages: readonly ExternalImage[];
  /** Named contexts that stand for builds and are not read. */
  readonly unusedContexts: readonly UnusedContext[];
  /** Why its inputs cannot be known from here (remote context, dynamic reference); empty where they can. */
  readonly unknowns: readonly UnknownInput[];
}

/** A plan, in an order in which every build comes after its dependencies. Otherwise the order is that of the file. */
export interface Plan {
  /** The set that it was made from. */
  readonly set: BuildSet;
  /** By name of the build, each after its dependencies. */
  readonly nodes: ReadonlyMap<string, PlanNode>;
}
