/**
 * The image store of an engine. Names are listed with ctr if its containerd is on this machine. Content is read with ctr or with
 * buildctl, which also works for remote engines.
 */
import { type Digest, engineArgv, type Problem } from '../model/mod.ts';
import { streamProgram } from '../system/mod.ts';
import type { EngineTool } from './ask-buildctl.ts';
import { findContainerd } from './containerd.ts';
import type { Engine } from './find.ts';
import type { ContainerdAccess } from './images.ts';
import type { EngineOptions } from './notice.ts';

/** An engine's store. */
export interface EngineStore {
  /** How to list its images; undefined: see `unreadable`. */
  readonly containerd: ContainerdAccess | undefined;
  /** Why its images cannot be listed: `engine/store-unreadable`, `engine/no-image-store`, `engine/unreachable`. */
  readonly unreadable: Problem | undefined;
  /** Streams a manifest, config or layer. Reading throws if it does not exist or is incomplete. */
  readonly stream: (digest: Digest) => AsyncIterable<Uint8Array>;
}

/** Existing content arrives at once; do not wait longer than this for the next bytes. */
const IDLE_MS = 60_000;

/** Opens the store of an engine. */
export async function openStore(
  engine: Pick<Engine, 'address' | 'tls' | 'buildctl' | 'containerd'>,
  options: EngineOptions,
  sockets?: readonly string[],
): Promise<EngineStore> {
  const found = await findContainerd(engine, options, sockets);
  const containerd = found.ok ? found.value : undefined;
  const { env, signal } = options;
  return {
    containerd,
    unreadable: found.ok ? undefined : found.error,
    stream: (digest) =>
      streamProgram({
        ...(containerd === undefined ? throughBuildctl(engine, digest) : throughCtr(containerd, digest)),
        env,
        idleMs: IDLE_MS,
        ...(signal === undefined ? {} : { signal }),
      }),
  };
}

function throughBuildctl(engine: EngineTool, digest: Digest) {
  return { program: engine.buildctl, argv: [...engineArgv(engine), 'debug', 'get', digest] };
}

/** Four times as fast as buildctl, which requests one mebibyte at a time (buildkit cmd/buildctl/debug/get.go). */
function throughCtr({ ctr, socket, namespace }: ContainerdAccess, digest: Digest) {
  return { program: ctr, argv: ['--address', socket, '--namespace', namespace, 'content', 'get', digest] };
}
