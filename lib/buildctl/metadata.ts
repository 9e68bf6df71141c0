/** The file in which buildctl says what came of a build. */
import { readFile } from 'node:fs/promises';
import { type Digest, isDigest } from '../model/mod.ts';

/**
 * What the file says of the image that was made; nothing where it is not there, undefined where it is not JSON. Keys are buildkit's exptypes
 * (exporter/containerimage/exptypes/keys.go).
 */
export async function readMetadata(
  file: string,
): Promise<{ readonly digest?: Digest; readonly mediaType?: string } | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return {};
  }
  const data = parseObject(text);
  if (data === undefined) return undefined;
  const digest = data['containerimage.digest'];
  const descriptor = data['containerimage.descriptor'];
  const mediaType =
    typeof descriptor === 'object' && descriptor !== null && 'mediaType' in descriptor
      ? String(descriptor.mediaType)
      : undefined;
  if (typeof digest !== 'string' || !isDigest(digest)) return {};
  return { digest, ...(mediaType === undefined ? {} : { mediaType }) };
}

function parseObject(text: string): { readonly [key: string]: unknown } | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === 'object' && data !== null ? (data as { [key: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}
