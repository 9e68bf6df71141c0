/** Systems without an engine: on macOS and Windows only the client runs, and the engine is elsewhere (docs/elsewhere.md). */
import path from 'node:path';
import { type Environment, type Problem, problem } from '../model/mod.ts';
import { homeDirectory, type System } from '../system/mod.ts';
import { option } from '../util/option-words.ts';

/** The usual name of the system. */
export function nameOfSystem(system: System): string {
  if (system === 'darwin') return 'macOS';
  return system === 'win32' ? 'Windows' : system;
}

/** Ways to use an engine elsewhere; docs/elsewhere.md has the details. */
const WAYS: Readonly<Record<'lima' | 'docker' | 'ssh', string>> = {
  lima: 'in a virtual machine of Lima: limactl start template:buildkit',
  docker: `in a container of Docker: docker run -d --name buildkitd --privileged moby/buildkit, then ${option('--addr docker-container://buildkitd')}`,
  ssh: `on another machine: ${option('--addr ssh://user@host')}`,
};

/** What to do if no engine can run here, one way per line. */
export function engineElsewhere(system: System): string {
  const ways = system === 'win32' ? [WAYS.docker, WAYS.ssh] : [WAYS.lima, WAYS.docker, WAYS.ssh];
  return ['use a buildkitd elsewhere (docs/elsewhere.md):', ...ways].join('\n');
}

/** The problem of the embedded engine on a system where it cannot run. */
export function unsupportedSystem(system: System): Problem {
  return problem(
    'engine/unsupported-platform',
    `the embedded engine runs on Linux only, and this is ${nameOfSystem(system)}`,
    { hint: engineElsewhere(system) },
  );
}

/** Where to get buildctl on a system for which bake-ts installs none. */
export function buildctlElsewhere(system: System): string {
  const release = 'get bin/buildctl of a release (github.com/moby/buildkit/releases)';
  if (system === 'darwin')
    return `brew install buildkit, or ${release}; put it on PATH, or set BUILDCTL to its path`;
  const name = system === 'win32' ? release.replace('buildctl of', 'buildctl.exe of') : release;
  return `${name} and put it on PATH, or set BUILDCTL to its path`;
}

/**
 * Sockets of engines in virtual machines that are checked by default: that of Lima's template `buildkit` with its default name
 * (lima-vm/lima templates/buildkit.yaml).
 */
export function socketsElsewhere(env: Environment, system: System): readonly string[] {
  // Node has no unix sockets on Windows.
  if (system === 'win32') return [];
  const named = env['LIMA_HOME'] ?? '';
  const lima = path.isAbsolute(named) ? named : path.join(homeDirectory(env), '.lima');
  return [path.join(lima, 'buildkit/sock/buildkitd.sock')];
}
