/** buildctl's metadata file. */
import { readFile } from 'node:fs/promises';
import { type Digest, isDigest } from '../model/mod.ts';

/**
 * Reads digest and media type of the image; an empty object if the file does not exist, undefined if it is not JSON. Keys are
 * buildkit's exptypes (exporter/containerimage/exptypes/keys.go).
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
