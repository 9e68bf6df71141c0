/**
 * The registries that the registry client is tested against: distribution 2.8, distribution 3 and go-containerregistry.
 * They are compiled from pinned modules (`.ci/registries`), so that every machine tests against the same ones; what
 * `bake-ts engine install --registry` brings is one version or the other, as it finds it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { must, root, say, since } from './support.mjs';

const PROGRAMS = ['distribution-2', 'distribution-3', 'ggcr'];
const sourceDir = path.join(root, '.ci/registries');
const cacheDir = path.join(root, '.cache/registries');

/**
 * The directory with the registries, below `.cache`: compiled on the first call, and again when their sources change.
 * Throws where that is not possible: tests that should run must not be skipped for it.
 */
export async function ensureRegistries() {
  const dir = path.join(cacheDir, hashSources().slice(0, 16));
  if (PROGRAMS.every((name) => existsSync(path.join(dir, name)))) return dir;
  const start = Date.now();
  rmSync(cacheDir, { recursive: true, force: true });
  const unfinished = `${dir}.new`;
  mkdirSync(unfinished, { recursive: true });
  await must(['go', 'install', '-trimpath', '-ldflags=-s -w', ...PROGRAMS.map((name) => `./${name}`)], {
    cwd: sourceDir,
    // As the engine's programs are built, so that what both use is compiled once.
    env: {
      CGO_ENABLED: '0',
      GO111MODULE: 'on',
      GOBIN: unfinished,
      GOFLAGS: '-mod=readonly -buildvcs=false',
      GOWORK: 'off',
      GOOS: undefined,
      GOARCH: undefined,
    },
  });
  renameSync(unfinished, dir);
  say(`Registries for the tests compiled (${since(start)})`);
  return dir;
}

function hashSources() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = readdirSync(sourceDir, { recursive: true }).map(String).sort();
  for (const name of files.filter((one) => /\.(go|mod|sum)$/.test(one))) {
    hash.update(`\0${name}\0`).update(readFileSync(path.join(sourceDir, name)));
  }
  return hash.digest('hex');
}
