/**
 * Adds entries to package-lock.json that npm omits if its registry lacks packages for other platforms (common for
 * mirrors): `npm ci` refuses a lock file without an optional package, on every platform. Run it after `npm install` if
 * test/packaging says so. The added entries have no integrity; npm adds it when the package is available.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, say } from './support.mjs';

const PLATFORM =
  /-(?:(?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-)?(?<cpu>arm|arm64|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)(?:-(?<rest>.*))?$/;

const file = path.join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`;
    if (lock.packages[place] !== undefined || lock.packages[`${parent}/${place}`] !== undefined) continue;
    const found = PLATFORM.exec(name);
    if (found === null)
      throw new Error(`${name} is missing, and its name does not say for which platform it is`);
    const { os, cpu, rest = '' } = found.groups;
    const libc = rest.includes('musl')
      ? ['musl']
      : os === 'linux' && rest.includes('gnu')
        ? ['glibc']
        : undefined;
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(dev === undefined ? {} : { dev }),
      ...(libc === undefined ? {} : { libc }),
      optional: true,
      // WebAssembly runs on every system.
      ...(os === undefined ? {} : { os: [os] }),
    };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
say(added.length === 0 ? 'package-lock.json is complete' : `Added ${added.join(', ')}`);
