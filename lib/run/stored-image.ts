/** An image of an engine's store as something that can be pushed part by part: nothing is exported, and nothing lies on disk. */
import type { EngineStore } from '../engine/mod.ts';
import { type Digest, fail, ok, type Problem, problem, wasCancelled } from '../model/mod.ts';
import { describeFault, type Layout } from '../registry/mod.ts';

/** The image with a digest. `name` is what messages call it; where `signal` says stop, nothing is wrong with the image. */
export function storedImage(
  store: Pick<EngineStore, 'stream' | 'containerd'>,
  name: string,
  digest: Digest,
  signal?: AbortSignal,
): Layout {
  const namespace = store.containerd?.namespace ?? 'buildkit';
  const explain: Layout['explain'] = (part, fault) => {
    if (signal?.aborted === true) return wasCancelled();
    const isMissing = fault !== 'no-manifest' && 'error' in fault && /not ?found/i.test(String(fault.error));
    if (!isMissing)
      return unreadable(
        `an image in the engine's store cannot be read: ${describeFault(part.digest, fault)}`,
      );
    const what = part.platform === undefined ? 'a part of it' : `what it has for ${part.platform}`;
    return {
      ...unreadable(
        `the engine's store does not have all of \`${name}\`: ${what} is missing (${part.digest})`,
      ),
      hint:
        part.platform === undefined
          ? 'Build it again: bake-ts run'
          : `It was fetched for some platforms only. Build it here, or fetch the rest: ctr --namespace ${namespace} content fetch --platform ${part.platform} ${name}`,
    };
  };
  return {
    written: name,
    images: [{ digest, mediaType: '', sizeBytes: 0, annotations: new Map(), foreign: false }],
    explain,
    stream: (part) => store.stream(part),
    read: async (part, limitBytes) => {
      const pieces: Uint8Array[] = [];
      let sizeBytes = 0;
      try {
        for await (const piece of store.stream(part.digest)) {
          pieces.push(piece);
          sizeBytes += piece.length;
          if (sizeBytes > limitBytes)
            return fail([explain(part, { actual: `more than ${limitBytes} bytes` })]);
        }
      } catch (error) {
        return fail([explain(part, { error })]);
      }
      return ok(Buffer.concat(pieces));
    },
  };
}

function unreadable(message: string): Problem {
  return problem('engine/image-unreadable', message, {
    hint: 'Try again; check the embedded engine with bake-ts engine doctor',
  });
}
