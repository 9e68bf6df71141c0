/** `npm run engine:pin`, against a server that plays the release host. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { PACKAGES, type ReleaseFile } from '../../lib/engine/versions.ts';
import { runCommand } from '../rig/command.ts';
import { sha256, startReleaseServer } from '../rig/fake-release.ts';
import { repoPath } from '../rig/paths.ts';
import { runtimeFiles } from '../rig/runtimes.ts';
import { makeTree } from '../rig/temp.ts';

const bytesOf = (name: string) => new TextEncoder().encode(`the bytes of ${name}`);

/** The checksum file of a release file, as its project writes it. */
function publishedFor(
  { published, name }: ReleaseFile,
  arch: string,
  hex: string,
): readonly [string, string] {
  const file = name(arch);
  if (published.kind === 'sha256sum-file') return [published.name, `${hex}  ${file}\n`];
  if (published.kind === 'sha256sum') return [`${file}${published.suffix}`, `${hex}  ${file}\n`];
  return [
    `${file}${published.suffix}`,
    JSON.stringify({ subject: [{ name: file, digest: { sha256: hex } }] }),
  ];
}

test('what is published is pinned, what is not is hashed, and what cannot be had is said', async (t) => {
  const server = await startReleaseServer(t);
  const put = (path: string, bytes: Uint8Array) => server.files.set(path, bytes);
  const sums = new Map<string, string>();
  for (const { name, release } of PACKAGES) {
    for (const arch of release.archs) {
      const at = `/${release.directory}/`;
      const file = release.name(arch);
      // Of the registry the file itself is all that there is; of runc there is one for one machine type.
      if (name === 'runc' && arch !== 'amd64') continue;
      if (name === 'registry') put(`${at}${file}`, bytesOf(file));
      else {
        const [sum, text] = publishedFor(release, arch, sha256(bytesOf(file)));
        // Some projects have one file for all machine types.
        const others = new TextDecoder().decode(server.files.get(`${at}${sum}`));
        put(`${at}${sum}`, new TextEncoder().encode(others + text));
      }
      sums.set(`${name} ${arch}`, sha256(bytesOf(file)));
    }
  }
  const dir = await makeTree(t, { 'pinned.json': '{"runc":{"version":"0.0.1","sha256":{"arm64":"old"}}}' });
  const out = path.join(dir, 'pinned.json');
  const pin = () =>
    runCommand([
      runtimeFiles.node24,
      repoPath('.ci/engine-pin.mjs'),
      '--mirror',
      `${server.url}/`,
      '--out',
      out,
    ]);
  const done = await pin();
  assert.equal(done.exitCode, 1, done.stderr);
  assert.match(done.stdout, /runc [\d.]+ arm64: not pinned/);
  assert.match(
    done.stdout,
    /registry [\d.]+ amd64: [0-9a-f]{64} \(of the file; the project publishes none\)/,
  );
  const written = JSON.parse(await readFile(out, 'utf8'));
  for (const { name, version, release } of PACKAGES) {
    assert.equal(written[name].version, version);
    const expected = release.archs.flatMap((arch) => {
      const hex = sums.get(`${name} ${arch}`);
      return hex === undefined ? [] : [[arch, hex]];
    });
    assert.deepEqual(written[name].sha256, Object.fromEntries(expected), name);
  }

  // A release file that is another one than it was.
  const text = await readFile(out, 'utf8');
  const [buildkit] = PACKAGES;
  assert(buildkit !== undefined);
  const [sum, other] = publishedFor(buildkit.release, 'amd64', 'f'.repeat(64));
  put(`/${buildkit.release.directory}/${sum}`, new TextEncoder().encode(other));
  const refused = await pin();
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stdout, /buildkit [\d.]+ amd64: WAS [0-9a-f]{64} AND IS NOW f{64}/);
  assert.equal(await readFile(out, 'utf8'), text);
});
