/** Limits of bake's `resources` by the names that BuildKit's frontend has for them (buildx build/utils.go, `addResourceLimits`). */
const RESOURCES: Readonly<Record<string, string>> = {
  memory: 'memory',
  'memory-swap': 'memswap',
  'cpu-shares': 'cpushares',
  'cpu-period': 'cpuperiod',
  'cpu-quota': 'cpuquota',
  'cpuset-cpus': 'cpusetcpus',
  'cpuset-mems': 'cpusetmems',
};

/** The limits that there are. */
export const RESOURCE_NAMES: readonly string[] = Object.keys(RESOURCES);

/** The option of the frontend for a limit; undefined: there is none. */
export function resourceOption(name: string): string | undefined {
  return Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
}
