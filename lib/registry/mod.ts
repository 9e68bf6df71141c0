/** Registries: the distribution API with authentication, retries and limits; presence, manifests, tags and copies. */
export type { BlobProgress, OnBlob, TransferCounts } from './blob-transfer.ts';
export {
  createRegistryClient,
  RegistryClient,
  type RegistryClientOptions,
} from './client.ts';
export type { Copied, CopyOptions } from './copy.ts';
export type { SignIn } from './credentials.ts';
export { permissionOfRegistry } from './endpoint.ts';
export type { RetryLimits, RetrySeen } from './exchange.ts';
export { mapLimited } from './gate.ts';
export type { AttestationDescription, ImageDescription, PlatformDescription } from './inspect.ts';
export {
  type JoinedImage,
  type JoinPlatforms,
  joinPlatforms,
  type PlannedJoin,
  planJoin,
  putJoined,
} from './join.ts';
export type { PlatformPart } from './join-parts.ts';
export {
  type LayersOnly,
  type LayersOnlyImage,
  layersOnly,
  layersOnlyImage,
  layersOnlyIndex,
} from './layers-only.ts';
export type { LayoutFault, LayoutPart } from './layout.ts';
export { describeFault, type Layout, openLayout } from './layout.ts';
export {
  CONFIG_LIMIT,
  childManifests,
  configOf,
  type Descriptor,
  digestOf,
  embeddedBlob,
  isAttestation,
  isIndex,
  layersDigest,
  type Manifest,
  manifestBlobs,
  measureImage,
  parseManifest,
  platformManifests,
} from './manifest.ts';
export type { PushLayoutOptions } from './push-layout.ts';
export type { RegistryReadOptions } from './reader.ts';
export { withoutRepeatedRefusals } from './refusal.ts';
export { readStepProxies } from './step-proxies.ts';
export type { Presence } from './store.ts';
export type { RequestSeen, TimeLimits } from './wire.ts';
