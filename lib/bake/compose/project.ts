/**
 * Services as bake takes them from the model: environments resolved with their env files, and what has to fit together
 * (compose-go types/project.go, loader/validate.go).
 */
import type { SourceFile, Span } from '../../model/mod.ts';
import { didYouMean } from '../../util/suggest.ts';
import { sortedNames } from '../go-text.ts';
import { readDotenv } from './dotenv.ts';
import { readBoolean } from './interpolate.ts';
import { goText, isNull, isText, type MapNode, type Node, valueAt } from './node.ts';
import type { Sections } from './schema.ts';
import { readOptional, type Shared } from './scope.ts';

/** A service that is built, or could be. */
export interface Service {
  readonly name: string;
  readonly keySpan: Span;
  readonly image: string;
  readonly build: MapNode | undefined;
  /** null: named without a value. */
  readonly environment: ReadonlyMap<string, string | null>;
}

/** Where a secret is. */
export interface SecretSource {
  readonly file: string;
  readonly environment: string;
  readonly isExternal: boolean;
  readonly keySpan: Span;
}

/** What there is to build. */
export interface Project {
  /** By name, sorted. */
  readonly services: readonly Service[];
  readonly secrets: ReadonlyMap<string, SecretSource>;
}

/** Reads services and secrets of a model that was checked. */
export async function readProject(
  sections: Sections,
  environment: ReadonlyMap<string, string>,
  shared: Shared,
  isWhole: boolean,
): Promise<Project> {
  const services: Service[] = [];
  const entries = sections.services?.entries;
  for (const name of sortedNames(entries?.keys() ?? [])) {
    const entry = entries?.get(name);
    if (entry?.value.kind !== 'map') continue;
    const build = valueAt(entry.value, 'build');
    const image = valueAt(entry.value, 'image');
    services.push({
      name,
      keySpan: entry.keySpan,
      image: image === undefined ? '' : goText(image),
      build: build?.kind === 'map' ? build : undefined,
      environment: await environmentOf(entry.value, environment, shared),
    });
  }
  const secrets = readSecrets(sections.secrets, shared);
  const project = { services, secrets };
  if (isWhole) checkConsistency(project, shared);
  return project;
}

async function environmentOf(
  service: MapNode,
  environment: ReadonlyMap<string, string>,
  shared: Shared,
): Promise<ReadonlyMap<string, string | null>> {
  const own = readPairs(valueAt(service, 'environment'), shared);
  for (const [name, value] of own) {
    if (value === null) own.set(name, environment.get(name) ?? null);
  }
  const values = new Map<string, string>();
  for (const [name, value] of own) if (value !== null) values.set(name, value);
  const files = valueAt(service, 'env_file');
  for (const item of files?.kind === 'list' ? files.items : []) {
    const source = await envFileOf(item, shared);
    if (source === undefined) continue;
    const wrong = readDotenv(source, values, (name) => environment.get(name) ?? own.get(name) ?? undefined);
    if (wrong !== undefined) shared.report.take(wrong);
  }
  return new Map<string, string | null>([...values, ...own]);
}

async function envFileOf(item: Node, shared: Shared): Promise<SourceFile | undefined> {
  const path = valueAt(item, 'path');
  if (path === undefined || !isText(path)) return undefined;
  const required = valueAt(item, 'required');
  const isRequired =
    required === undefined
      ? false
      : isText(required)
        ? readBoolean(required.text)
        : goText(required) === 'true';
  if (isRequired === undefined) shared.report.add(required?.span, 'required must be true or false');
  const source = await readOptional(path.text, shared);
  if (source === undefined) {
    if (isRequired !== false) {
      shared.report.add(
        path.span,
        `There is no env file ${path.text}`,
        'Create it, or write it as a map with `required: false`; bake reads env files, too.',
      );
    }
    return undefined;
  }
  const format = valueAt(item, 'format');
  if (format !== undefined && goText(format) !== '' && goText(format) !== '.env') {
    shared.report.add(format.span, `Bake cannot read env files in the format "${goText(format)}"`);
    return undefined;
  }
  return source;
}

/** Names with values, of a map or of a list of `name=value`; null where there is no value. */
export function readPairs(
  node: Node | undefined,
  { report }: Pick<Shared, 'report'>,
): Map<string, string | null> {
  const pairs = new Map<string, string | null>();
  if (node?.kind === 'map') {
    for (const [name, { value }] of node.entries) pairs.set(name, isNull(value) ? null : goText(value));
  }
  for (const item of node?.kind === 'list' ? node.items : []) {
    const text = goText(item);
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    if (/\s$/.test(name))
      report.add(item.span, `There is a space after the name "${name.trimEnd()}"`, 'Write name=value.');
    pairs.set(name, equals === -1 ? null : text.slice(equals + 1));
  }
  return pairs;
}

function readSecrets(section: MapNode | undefined, { report }: Shared): ReadonlyMap<string, SecretSource> {
  const secrets = new Map<string, SecretSource>();
  for (const [name, { keySpan, value }] of section?.entries ?? []) {
    const textAt = (key: string): string => {
      const found = valueAt(value, key);
      return found === undefined ? '' : goText(found);
    };
    const external = valueAt(value, 'external');
    const isExternal =
      external !== undefined && (isText(external) ? readBoolean(external.text) : goText(external) === 'true');
    if (isExternal === undefined) report.add(external?.span, 'external must be true or false');
    secrets.set(name, {
      file: textAt('file'),
      environment: textAt('environment'),
      isExternal: isExternal === true,
      keySpan,
    });
  }
  return secrets;
}

/** What services say of one another and of secrets. */
function checkConsistency({ services, secrets }: Project, { report }: Shared): void {
  const byName = new Map(services.map((service) => [service.name, service]));
  for (const { name, keySpan, image, build } of services) {
    if (build === undefined) {
      if (image === '')
        report.add(
          keySpan,
          `The service "${name}" has neither a build nor an image`,
          'Put keys such as context and args below `build`.',
        );
      continue;
    }
    const inline = valueAt(build, 'dockerfile_inline');
    const file = valueAt(build, 'dockerfile');
    if (inline !== undefined && file !== undefined && goText(inline) !== '' && goText(file) !== '') {
      report.add(
        inline.span,
        `The service "${name}" has both dockerfile and dockerfile_inline`,
        'Keep one of the two.',
      );
    }
    checkContexts(valueAt(build, 'additional_contexts'), byName, report);
    const wanted = valueAt(build, 'secrets');
    for (const item of wanted?.kind === 'list' ? wanted.items : []) {
      const source = valueAt(item, 'source');
      const id = source === undefined ? '' : goText(source);
      if (!secrets.has(id)) {
        report.add(
          item.span,
          `There is no secret "${id}"`,
          didYouMean(id, secrets.keys()) ??
            'Declare it at the top level: `secrets: { name: { file: path } }`.',
        );
      }
    }
  }
  for (const [name, { file, environment, isExternal, keySpan }] of secrets) {
    if (isExternal || file !== '' || environment !== '') continue;
    report.add(
      keySpan,
      `The secret "${name}" has neither file nor environment`,
      'Add `file` or `environment`.',
    );
  }
}

function checkContexts(
  contexts: Node | undefined,
  services: ReadonlyMap<string, Service>,
  report: Shared['report'],
): void {
  for (const { value } of contexts?.kind === 'map' ? contexts.entries.values() : []) {
    const target = /^service:(.*)$/s.exec(goText(value))?.[1];
    if (target === undefined) continue;
    const service = services.get(target);
    if (service === undefined)
      report.add(value.span, `There is no service "${target}"`, didYouMean(target, services.keys()));
    else if (service.build === undefined) report.add(value.span, `The service "${target}" is not built`);
  }
}
