/** BuildKit frontend names of the limits in bake's `resources` (buildx build/utils.go, `addResourceLimits`). */
const RESOURCES: Readonly<Record<string, string>> = {
  memory: 'memory',
  'memory-swap': 'memswap',
  'cpu-shares': 'cpushares',
  'cpu-period': 'cpuperiod',
  'cpu-quota': 'cpuquota',
  'cpuset-cpus': 'cpusetcpus',
  'cpuset-mems': 'cpusetmems',
};

/** All limits. */
export const RESOURCE_NAMES: readonly string[] = Object.keys(RESOURCES);

/** The frontend option for a limit; undefined: there is none. */
export function resourceOption(name: string): string | undefined {
  return Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
}
