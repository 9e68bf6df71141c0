/** Which files are bake's or Compose's: by their names, and by what is in them. Nothing of lib/bake is loaded for it. */
import type { MapNode, Node } from './tree.ts';

/** Compose's names for its file. */
const COMPOSE_NAMES: readonly string[] = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
];

/**
 * What bake reads in a directory without being told, laid over one another in this order (buildx bake/bake.go,
 * `defaultFilenames`).
 */
export const BAKE_NAMES: readonly string[] = [
  ...COMPOSE_NAMES,
  'docker-bake.json',
  'docker-bake.hcl',
  'docker-bake.override.json',
  'docker-bake.override.hcl',
];

/** A block of HCL at the start of a line. */
const HCL = /^[ \t]*(?:target|group|variable|function)[ \t]+"?[\w.-]+"?[ \t]*\{/m;
/** The section of a Compose file, whose own tags (`!reset`) our YAML does not know. */
const SERVICES = /^(?:services|"services")[ \t]*:/m;
/** Sections that say what a file is that includes others and has no services itself. */
const COMPOSE_SECTIONS: readonly string[] = ['name', 'version', 'networks', 'volumes', 'configs', 'secrets'];
/** Sections of a bake file in JSON. */
const BAKE_SECTIONS: readonly string[] = ['target', 'group', 'variable', 'function'];
/** Sections that only a builds file has. */
const OWN_SECTIONS: readonly string[] = ['builds', 'templates', 'vars', 'groups'];

/** HCL by its name, which need not be read as YAML at all. */
export function isNamedHcl(name: string): boolean {
  return name.endsWith('.hcl');
}

/** @param node what the text is as YAML; undefined where it is none */
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
  // Builds files include paths.
  return include.items.some(({ kind }) => kind === 'map') || COMPOSE_SECTIONS.some((key) => entries.has(key));
}
