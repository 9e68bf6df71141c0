/** Recognises bake and Compose files by their names and content, without loading lib/bake. */
import type { MapNode, Node } from './tree.ts';

/** File names that Compose looks for. */
const COMPOSE_NAMES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
];

/** Files that bake reads by default in a directory, merged in this order (buildx bake/bake.go, `defaultFilenames`). */
export const BAKE_NAMES: readonly string[] = [
  ...COMPOSE_NAMES,
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

/** A block of HCL at the start of a line. */
const HCL = /^[ \t]*(?:target|group|variable|function)[ \t]+"?[\w.-]+"?[ \t]*\{/m;
/** The section of a Compose file, whose tags (`!reset`) the YAML reader does not know. */
const SERVICES = /^(?:services|"services")[ \t]*:/m;
/** Sections that identify a Compose file that only includes others. */
const COMPOSE_SECTIONS: readonly string[] = ['name', 'version', 'networks', 'volumes', 'configs', 'secrets'];
/** Sections of a bake file in JSON. */
const BAKE_SECTIONS: readonly string[] = ['target', 'group', 'variable', 'function'];
/** Sections that only builds files have. */
const OWN_SECTIONS: readonly string[] = ['builds', 'templates', 'vars', 'groups'];

/** HCL by its name; it need not be parsed as YAML. */
export function isNamedHcl(name: string): boolean {
  return name.endsWith('.hcl');
}

/** @param node the text parsed as YAML; undefined if it is not valid YAML */
export function isBakeFile(name: string, text: string, node: Node | undefined): boolean {
  if (isNamedHcl(name)) return true;
  if (node?.kind !== 'map') return HCL.test(text) || SERVICES.test(text);
  if (OWN_SECTIONS.some((key) => node.entries.has(key))) return false;
  const base = name.slice(name.lastIndexOf('/') + 1);
  if (BAKE_NAMES.includes(base)) return true;
  const isJson = text.trimStart().startsWith('{');
  return isCompose(node) || (isJson && BAKE_SECTIONS.some((key) => node.entries.has(key)));
}

function isCompose(node: MapNode): boolean {
  const { entries } = node;
  if (entries.get('services')?.value.kind === 'map') return true;
  const include = entries.get('include')?.value;
  if (include?.kind !== 'list') return false;
  // In builds files, `include` is a list of paths.
  return include.items.some(({ kind }) => kind === 'map') || COMPOSE_SECTIONS.some((key) => entries.has(key));
}
