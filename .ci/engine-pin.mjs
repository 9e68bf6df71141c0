/**
 * `npm run engine:pin [-- --mirror URL] [--out FILE]`: writes the sha256 of every release file of the engine into
 * lib/engine/release-checksums.json, from the published checksum, else from the file itself. Unavailable checksums stay
 * unchanged and are reported. If a pinned checksum has changed, the script fails and writes nothing. Requires Node
 * 22.18 or newer, and access to the release host.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root, say } from './support.mjs';

const { createDownloader, findPublishedDigest, hashFile } = await import('../lib/engine/download.ts');
const { PACKAGES, RELEASE_HOST } = await import('../lib/engine/versions.ts');

const { values } = parseArgs({ options: { mirror: { type: 'string' }, out: { type: 'string' } } });
const out = path.resolve(values.out ?? path.join(root, 'lib/engine/release-checksums.json'));
const host = (values.mirror ?? RELEASE_HOST).replace(/\/+$/, '');

const downloader = await createDownloader(process.env);
const scratch = mkdtempSync(path.join(tmpdir(), 'engine-pin-'));
try {
  process.exitCode = await pinAll();
} finally {
  rmSync(scratch, { recursive: true, force: true });
  await downloader.close();
}

async function pinAll() {
  const before = JSON.parse(readFileSync(out, 'utf8'));
  const pinned = {};
  let unpinned = 0;
  let changed = 0;
  for (const { name, version, release } of PACKAGES) {
    const known = before[name]?.version === version ? before[name].sha256 : {};
    const sha256 = {};
    for (const arch of release.archs) {
      const found = await checksumOf(release, arch);
      const shown = `${name} ${version} ${arch}`;
      if (found.hex === undefined) {
        unpinned += 1;
        say(`${shown}: ${known[arch] === undefined ? 'not pinned' : 'as before'} (${found.why})`);
      } else if (known[arch] !== undefined && known[arch] !== found.hex) {
        changed += 1;
        say(`${shown}: WAS ${known[arch]} AND IS NOW ${found.hex} (${found.from})`);
      } else say(`${shown}: ${found.hex} (${found.from})`);
      const hex = found.hex ?? known[arch];
      if (hex !== undefined) sha256[arch] = hex;
    }
    if (Object.keys(sha256).length > 0) pinned[name] = { version, sha256 };
  }
  if (changed > 0) {
    say('A file of a release was replaced: find out why. Nothing was written.');
    return 1;
  }
  writeFileSync(out, `${JSON.stringify(pinned, undefined, 2)}\n`);
  if (unpinned > 0) say(`${unpinned} files are not pinned anew.`);
  return unpinned > 0 ? 1 : 0;
}

/** The published checksum, else that of the file. */
async function checksumOf(release, arch) {
  const name = release.name(arch);
  const base = `${host}/${release.directory}`;
  const { kind } = release.published;
  const url = kind === 'sha256sum-file' ? release.published.name : `${name}${release.published.suffix}`;
  const published = await downloader.fetchText(`${base}/${url}`);
  if (published.ok) {
    const hex = findPublishedDigest(published.value, name, kind);
    if (hex !== undefined) return { hex, from: 'published' };
  } else if (published.error[0]?.code !== 'engine/not-published') return { why: published.error[0]?.message };
  const file = path.join(scratch, name);
  const fetched = await downloader.fetchFile(`${base}/${name}`, file, () => {});
  if (!fetched.ok) return { why: fetched.error[0]?.message };
  const hex = await hashFile(file);
  rmSync(file);
  return { hex, from: 'of the file; the project publishes none' };
}
