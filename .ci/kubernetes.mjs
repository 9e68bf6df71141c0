/**
 * Kubernetes' API server, etcd, and a substitute for the kubelet, for tests of engines in pods. They are compiled from
 * pinned modules (`.ci/kubernetes`), which takes some minutes the first time and a gigabyte of Go's cache.
 */
import { ensurePrograms } from './programs.mjs';

const PROGRAMS = ['etcd', 'kube-apiserver', 'kubelet'];

/** The directory with the programs; see `ensurePrograms`. */
export function ensureKubernetes() {
  return ensurePrograms(
    'kubernetes',
    PROGRAMS.map((name) => `./${name}`),
    PROGRAMS,
  );
}
