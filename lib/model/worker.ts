/** Workers of a buildkitd, as `buildctl debug workers` prints them. */

/** A worker as buildkitd describes it. */
export interface WorkerInfo {
  /** What runs its steps. */
  readonly executor: 'containerd' | 'oci' | 'unknown';
  /** How it keeps files: `overlayfs`, `native`, …; `unknown` where it does not say. */
  readonly snapshotter: string;
  /** `host`: RUN shares the machine's network, which is what BuildKit does where no CNI plugins are set up. */
  readonly network: string;
  /** Platforms that it builds for, normalised, its own first: `linux/amd64`. */
  readonly platforms: readonly string[];
  /** Version of its buildkitd, which says it since 0.11. */
  readonly version?: string;
  /** The containerd it works with, by the number that this one has given itself, and the namespace in it. */
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

/** Reads the output of `buildctl debug workers --format '{{json .}}'`; undefined where it is none. */
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
