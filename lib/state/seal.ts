/**
 * Sealing: the stored inputs of a build contain no sensitive values, but still show whether one changed. Each value is
 * replaced by its HMAC-SHA256 with a random key in the state directory, so that nobody without the key can guess
 * values. The key of a build is computed from the sealed parts, because it also goes to registries, events and files.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type BuildSet, createSealer, type FilePart, type KeyParts, type Sealer } from '../model/mod.ts';

/** Hexadecimal digits of a seal: 128 bits. */
const SEAL_DIGITS = 32;
/** Bytes of the sealing key. */
export const SEAL_KEY_BYTES = 32;

/** Replaces sensitive values in the parts of a key; parts without any are returned unchanged. */
export type SealParts = (parts: KeyParts) => Promise<KeyParts>;

/** A new sealing key, hexadecimal. */
export function newSealKey(): string {
  return randomBytes(SEAL_KEY_BYTES).toString('hex');
}

/** @param key returns the sealing key; called only if there is something to seal */
export function createPartsSealer(variables: BuildSet['variables'], key: () => Promise<string>): SealParts {
  const sealer = createSealer(variables);
  // Builds share the files of their contexts; without this cache a thousand builds would scan each file again.
  const known = new WeakMap<readonly FilePart[], boolean>();
  const concernsFiles = (files: readonly FilePart[]): boolean => {
    const found = known.get(files) ?? files.some((part) => concernsFile(sealer, part));
    known.set(files, found);
    return found;
  };
  return async (parts) => {
    if (!concernsTexts(sealer, parts) && !Object.values(parts.files).some(concernsFiles)) return parts;
    const secret = Buffer.from(await key(), 'hex');
    const hash = (part: string) =>
      createHmac('sha256', secret).update(part).digest('hex').slice(0, SEAL_DIGITS);
    return { ...sealAll(parts, (text) => sealer.seal(text, hash)), sealed: true };
  };
}

function concernsFile({ concerns }: Sealer, { path, kind, content }: FilePart): boolean {
  return concerns(path) || (kind === 'symlink' && concerns(content));
}

function concernsTexts({ concerns }: Sealer, parts: KeyParts): boolean {
  const { dockerfile, target, args, images, options } = parts;
  return (
    concerns(dockerfile) ||
    concerns(target) ||
    Object.keys(images).some(concerns) ||
    [args, options].some((map) =>
      Object.entries(map).some(([name, value]) => concerns(name) || concerns(value)),
    )
  );
}

/** Digests contain no values, and contexts are looked up by name. */
function sealAll(parts: KeyParts, seal: (text: string) => string): KeyParts {
  const { dockerfile, target, args, images, options, files } = parts;
  const both = (map: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(map).map(([name, value]) => [seal(name), seal(value)]));
  return {
    ...parts,
    dockerfile: seal(dockerfile),
    target: seal(target),
    args: both(args),
    options: both(options),
    images: Object.fromEntries(Object.entries(images).map(([name, digest]) => [seal(name), digest])),
    files: Object.fromEntries(
      Object.entries(files).map(([name, all]) => [
        name,
        all.map((part) => ({
          ...part,
          path: seal(part.path),
          content: part.kind === 'symlink' ? seal(part.content) : part.content,
        })),
      ]),
    ),
  };
}
