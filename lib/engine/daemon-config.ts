/**
 * The configuration files of the three daemons and their environment. Keys: containerd docs/man/containerd-config.toml.5.md;
 * buildkit docs/buildkitd.toml.md; distribution docs/content/about/configuration.md.
 */

import path from 'node:path';
import type { Environment } from '../model/mod.ts';
import { withoutTracing } from '../system/mod.ts';
import type { EnginePaths } from './paths.ts';

/** How image layers become file systems. */
export type Snapshotter = 'overlayfs' | 'native';

/** TOML basic strings and JSON strings are the same for all characters of a path. */
const quote = (text: string): string => JSON.stringify(text);

/** containerd with only its own paths, and without plugins that use others (CRI, NRI's socket, /opt/containerd). */
export function containerdConfig(
  paths: EnginePaths,
  { version, unsynced }: { readonly version: string; readonly unsynced: boolean },
): string {
  const legacy = version.startsWith('1.');
  const disabled = [
    'io.containerd.grpc.v1.cri',
    'io.containerd.cri.v1.images',
    'io.containerd.cri.v1.runtime',
    'io.containerd.podsandbox.controller.v1.podsandbox',
    'io.containerd.nri.v1.nri',
    'io.containerd.internal.v1.opt',
  ];
  return `version = ${legacy ? 2 : 3}
root = ${quote(path.join(paths.stateDir, 'containerd'))}
state = ${quote(path.join(paths.runtimeDir, 'containerd'))}
disabled_plugins = [${disabled.map(quote).join(', ')}]

[grpc]
  address = ${quote(paths.containerdSocket)}

[debug]
  level = "warn"
${unsynced ? '\n[plugins."io.containerd.metadata.v1.bolt"]\n  no_sync = true\n' : ''}`;
}

/** buildkitd with only the containerd worker, and settings of registries (lines from `formatRegistries`). */
export function buildkitdConfig(
  paths: EnginePaths,
  worker: { readonly snapshotter: Snapshotter; readonly runc: string; readonly rootless: boolean },
  registries: string,
): string {
  // Without root, CNI plugins do not work, so none is used.
  const rootless = worker.rootless ? '  rootless = true\n  networkMode = "host"\n' : '';
  return `root = ${quote(path.join(paths.stateDir, 'buildkit'))}

[grpc]
  address = [${quote(`unix://${paths.buildkitSocket}`)}]

[otel]
  socketPath = ${quote(path.join(paths.runtimeDir, 'otel-grpc.sock'))}

[worker.oci]
  enabled = false

[worker.containerd]
  enabled = true
  address = ${quote(paths.containerdSocket)}
  namespace = ${quote(paths.namespace)}
  snapshotter = ${quote(worker.snapshotter)}
${rootless}  gc = true
  reservedSpace = "10GB"
  maxUsedSpace = "60%"
  minFreeSpace = "10%"

  [worker.containerd.runtime]
    name = "io.containerd.runc.v2"
    options = { BinaryName = ${quote(worker.runc)}, Root = ${quote(path.join(paths.runtimeDir, 'runc'))} }
${registries === '' ? '' : `\n${registries}\n`}`;
}

/** The registry for tests: loopback only, deleting allowed. JSON is valid YAML. */
export function registryConfig(paths: EnginePaths, address: string, secret: string): string {
  return `${JSON.stringify(
    {
      version: '0.1',
      log: { level: 'warn' },
      storage: {
        filesystem: { rootdirectory: path.join(paths.stateDir, 'registry') },
        delete: { enabled: true },
      },
      http: { addr: address, secret },
    },
    undefined,
    2,
  )}\n`;
}

/**
 * The environment of the daemons: the caller's (proxies matter), with our programs first on PATH and temporary mounts below our
 * own directory, and without variables that would configure a daemon. An inherited trace context would put all builds into one
 * trace, whose spans BuildKit then stores again with every build.
 */
export function daemonEnv(env: Environment, paths: EnginePaths, binDir: string): Environment {
  const clean: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(withoutTracing(env))) {
    if (!/^(REGISTRY_|LISTEN_|NOTIFY_SOCKET$)/.test(name)) {
      clean[name] = value;
    }
  }
  return {
    // By default BuildKit cuts the output of a step at 2 MiB and 200 KiB/s, and so the error of a noisy step.
    BUILDKIT_STEP_LOG_MAX_SIZE: String(16 * 1024 * 1024),
    BUILDKIT_STEP_LOG_MAX_SPEED: String(16 * 1024 * 1024),
    ...clean,
    PATH: [binDir, env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'].join(
      path.delimiter,
    ),
    TMPDIR: path.join(paths.runtimeDir, 'tmp'),
    // The registry exports traces by default, which fails every few seconds without a collector.
    OTEL_TRACES_EXPORTER: 'none',
  };
}
