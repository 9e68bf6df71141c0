/** Workers of a buildkitd, as `buildctl debug workers` prints them. */

/** A worker as buildkitd describes it. */
export interface WorkerInfo {
  /** What runs its steps. */
  readonly executor: 'containerd' | 'oci' | 'unknown';
  /** How it stores files: `overlayfs`, `native`, …; `unknown` if not reported. */
  readonly snapshotter: string;
  /** `host`: RUN shares the machine's network, BuildKit's default without CNI plugins. */
  readonly network: string;
  /** Platforms that it builds for, normalised; its own is first: `linux/amd64`. */
  readonly platforms: readonly string[];
  /** Version of its buildkitd, reported since 0.11. */
  readonly version?: string;
  /** The containerd that it uses: the UUID that containerd gave itself, and the namespace. */
  readonly containerd?: { readonly uuid: string; readonly namespace: string };
}

/** A worker as buildctl prints it (buildkit client/workers.go, with OCI platforms). */
interface RawWorker {
  readonly labels?: Readonly<Record<string, string>>;
  readonly buildkitVersion?: { readonly version?: string };
  readonly platforms?: readonly {
    readonly os?: string;
    readonly architecture?: string;
    readonly variant?: string;
  }[];
}

/** Parses the output of `buildctl debug workers --format '{{json .}}'`; undefined if it is invalid. */
export function parseWorkers(text: string): readonly WorkerInfo[] | undefined {
  try {
    const workers: unknown = JSON.parse(text);
    if (!Array.isArray(workers)) return undefined;
    return (workers as readonly RawWorker[]).map(({ labels, platforms, buildkitVersion }) => {
      const label = (name: string): string =>
        labels?.[`org.mobyproject.buildkit.worker.${name}`] ?? 'unknown';
      const executor = label('executor');
      const [uuid, namespace] = [label('containerd.uuid'), label('containerd.namespace')];
      const { version = '' } = buildkitVersion ?? {};
      const isKnown = uuid !== 'unknown' && uuid !== '' && namespace !== 'unknown' && namespace !== '';
      return {
        executor: executor === 'containerd' || executor === 'oci' ? executor : 'unknown',
        snapshotter: label('snapshotter'),
        network: label('network'),
        platforms: (platforms ?? []).map((one) =>
          [one.os, one.architecture, one.variant]
            .filter((word) => word !== undefined && word !== '')
            .join('/'),
        ),
        ...(version === '' ? {} : { version }),
        ...(isKnown ? { containerd: { uuid, namespace } } : {}),
      };
    });
  } catch {
    return undefined;
  }
}
