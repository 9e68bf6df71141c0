/** Programs of the tests, compiled from the pinned modules of a directory of `.ci`, once for each state of their sources. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { must, root, say, since } from './support.mjs';

/**
 * The directory with the programs in `.cache`: compiled on the first call, and again when their sources change. Throws
 * if that is not possible, because tests that should run must not be skipped.
 *
 * @param {string} name of the directory in `.ci` and `.cache`
 * @param {readonly string[]} packages arguments of `go install`
 * @param {readonly string[]} programs resulting files
 */
export async function ensurePrograms(name, packages, programs) {
  const sourceDir = path.join(root, '.ci', name);
  const cacheDir = path.join(root, '.cache', name);
  const dir = path.join(cacheDir, hashSources(sourceDir).slice(0, 16));
  if (programs.every((program) => existsSync(path.join(dir, program)))) return dir;
  const start = Date.now();
  rmSync(cacheDir, { recursive: true, force: true });
  const unfinished = `${dir}.new`;
  mkdirSync(unfinished, { recursive: true });
  await must(['go', 'install', '-trimpath', '-ldflags=-s -w', ...packages], {
    cwd: sourceDir,
    // Built like the engine's programs, so that common parts are compiled once.
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
  say(`Compiled for the tests: ${name} (${since(start)})`);
  return dir;
}

function hashSources(sourceDir) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = readdirSync(sourceDir, { recursive: true }).map(String).sort();
  for (const name of files.filter((one) => /\.(go|mod|sum)$/.test(one))) {
    hash.update(`\0${name}\0`).update(readFileSync(path.join(sourceDir, name)));
  }
  return hash.digest('hex');
}
