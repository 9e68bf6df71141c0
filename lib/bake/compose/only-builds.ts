/** What of a Compose file concerns builds. */
import { type MapNode, mapValues } from './node.ts';

const SECTIONS: ReadonlySet<string> = new Set(['name', 'include', 'services', 'secrets']);
const KEYS: ReadonlySet<string> = new Set(['build', 'image', 'platform', 'extends', 'profiles']);

/** Without what only running is about. */
export function onlyBuildsOf(file: MapNode): MapNode {
  const rest = only(file, SECTIONS);
  return mapValues(rest, (section, name) =>
    name === 'services' && section.kind === 'map'
      ? mapValues(section, (service) => (service.kind === 'map' ? only(service, KEYS) : service))
      : section,
  );
}

function only(map: MapNode, keys: ReadonlySet<string>): MapNode {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => keys.has(key))) };
}
