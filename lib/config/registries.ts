/** Converts `registries:` for the registry client. */
import { problem, type RegistrySettings } from '../model/mod.ts';
import type { PathOptions } from './absolute-path.ts';
import type { Evaluator, Scope } from './expression.ts';
import type { Merged } from './merge.ts';
import type { Problems } from './problems.ts';
import { registryPath } from './resolve.ts';
import { at, isNull, type Node } from './tree.ts';
import { createValues } from './values.ts';

/** Settings by host[:port], the layers of several files merged by key. */
export function resolveRegistries(
  merged: Merged,
  scope: Scope,
  evaluator: Evaluator,
  problems: Problems,
  paths: PathOptions,
): ReadonlyMap<string, RegistrySettings> {
  const registries = new Map<string, RegistrySettings>();
  for (const [host, maps] of merged.registries) {
    const layers = new Map<string, Node[]>();
    for (const map of maps) {
      for (const [key, entry] of map.entries) {
        if (!isNull(entry.value)) layers.set(key, [...(layers.get(key) ?? []), entry.value]);
      }
    }
    const [first] = maps;
    if (first !== undefined && !/^[A-Za-z0-9.-]+(?::[0-9]+)?$|^\[[0-9a-fA-F:]+\](?::[0-9]+)?$/.test(host)) {
      problems.add(
        problem('config/registry', `"${host}" is not the host of a registry`, {
          hint: 'Write host or host:port, without a scheme and without a path.',
          ...at(first),
        }),
      );
    }
    const values = createValues(host, layers, scope, evaluator, problems);
    const path = (key: string): string | undefined => {
      const found = values.text(key);
      return found === undefined ? undefined : registryPath({ value: found.text, node: found.node }, paths);
    };
    const http = values.boolean('http');
    const insecure = values.boolean('insecure');
    const ca = path('ca');
    const cert = path('cert');
    const key = path('key');
    const mirrors = values.replaced('mirrors').map((item) => values.textOf(item, 'an item of mirrors') ?? '');
    const written = values.text('concurrency')?.text;
    registries.set(host, {
      ...(http === undefined ? {} : { http }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(insecure === undefined ? {} : { insecure }),
      ...(mirrors.length === 0 ? {} : { mirrors: mirrors.filter((mirror) => mirror !== '') }),
      ...(written === undefined || !/^[1-9][0-9]*$/.test(written) ? {} : { concurrency: Number(written) }),
    });
  }
  return registries;
}
