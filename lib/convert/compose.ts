/** Converts Compose files to builds.yaml: the builds of their services, with variables, comments and profiles. */
import { type ComposeEntry, type ComposeModel, readComposeModel } from '../bake/mod.ts';
import { fail, ok, type Problem, problem, type Result, soundsSecret } from '../model/mod.ts';
import type { SourceText } from './bake.ts';
import { headOf, takeComments } from './compose-comments.ts';
import { type ComposeFile, type Section, targetOf } from './compose-service.ts';
import {
  addNote,
  asList,
  createBuild,
  createDraft,
  type Draft,
  isRecord,
  scalarText,
  textList,
} from './draft.ts';
import { createInterpolator, type Interpolator } from './interpolate.ts';
import { fitNames } from './names.ts';
import { convertTarget } from './target.ts';

/** Reads files that a Compose file names, relative to the directory of the first one. */
export interface ComposeReader {
  /** Undefined: the file does not exist. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  readonly isDirectory?: (path: string) => Promise<boolean>;
}

/** Maximum file size, as for builds files. */
const MAX_CHARS = 8 * 1024 * 1024;

/**
 * Converts the services of Compose files that have a `build:`; later files override earlier ones, and included and
 * extended files are read. Problems: `bake/compose`, `import/too-big`, `import/nothing-to-build`.
 */
export async function draftCompose(
  files: readonly SourceText[],
  reader: ComposeReader = { readFile: async () => undefined },
): Promise<Result<Draft>> {
  const tooBig = files.find(({ text }) => text.length > MAX_CHARS);
  if (tooBig !== undefined) {
    return fail([
      problem('import/too-big', `${tooBig.name} has more than 8 MiB`, {
        hint: 'This is not a Compose file.',
      }),
    ]);
  }
  const draft = createDraft();
  const interpolator = createInterpolator();
  const { readFile, taken } = recording(reader.readFile);
  const read = await readComposeModel(
    files.map(({ name, text }) => ({ path: name, text })),
    {
      readFile,
      ...(reader.isDirectory === undefined ? {} : { isDirectory: reader.isDirectory }),
      keep: interpolator.keep,
    },
  );
  if (!read.ok) return read;
  const { services, secrets, plainOf, targetNameOf, lookup } = read.value;
  interpolator.know(lookup);
  const file: ComposeFile = { services: plain(services, plainOf), secrets: plain(secrets, plainOf) };
  const targets = new Map<string, Section>();
  for (const [name, service] of Object.entries(file.services)) {
    const note = (sentence: string): void => addNote(draft, sentence, name);
    const target = isRecord(service) ? targetOf(service, file, note) : undefined;
    if (target !== undefined) targets.set(name, target);
  }
  if (targets.size === 0) return fail([nothingToBuild(files, file.services, interpolator.writtenOf)]);
  draft.header.push(...headOf(files[0]?.text ?? ''));
  for (const target of targets.values()) interpolator.scan(target);
  const names = namesOf(targets, targetNameOf);
  addBuilds({ targets, services, names }, interpolator, draft);
  addVariables(interpolator, draft);
  addProfiles(names, file.services, draft);
  return ok({ ...draft, isFlat: true, sources: taken });
}

/** Records which files were read. */
function recording(readFile: ComposeReader['readFile']): ComposeReader & { readonly taken: string[] } {
  const taken: string[] = [];
  return {
    taken,
    readFile: async (path) => {
      const text = await readFile(path);
      if (text !== undefined && !taken.includes(path)) taken.push(path);
      return text;
    },
  };
}

function plain(entries: ReadonlyMap<string, ComposeEntry>, plainOf: ComposeModel['plainOf']): Section {
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, { value }] of entries) result[name] = plainOf(value);
  return result;
}

/** Maximum number of services that are listed by name. */
const MAX_LISTED = 6;

function nothingToBuild(
  files: readonly SourceText[],
  services: Section,
  writtenOf: Interpolator['writtenOf'],
): Problem {
  const names = files.map(({ name }) => name).join(' and ');
  const images = Object.entries(services).flatMap(([name, service]) => {
    const image = isRecord(service) ? scalarText(service['image']) : undefined;
    return [image === undefined ? name : `${name} (${writtenOf(image)})`];
  });
  const more = images.length > MAX_LISTED ? ` and ${images.length - MAX_LISTED} more` : '';
  const list = images.slice(0, MAX_LISTED).join(', ');
  return problem('import/nothing-to-build', `${names} has no service with a build section`, {
    hint:
      images.length === 0
        ? 'Add `build:` to a service; the file has no services.'
        : `Add \`build:\` to a service; these only have an image: ${list}${more}.`,
  });
}

/** Service → build, with bake's name for it. */
function namesOf(
  targets: ReadonlyMap<string, Section>,
  targetNameOf: ComposeModel['targetNameOf'],
): ReadonlyMap<string, string> {
  const fitted = fitNames([...targets.keys()].map(targetNameOf));
  return new Map(
    [...targets.keys()].map((name) => [name, fitted.get(targetNameOf(name)) ?? targetNameOf(name)]),
  );
}

interface ComposeBuilds {
  readonly targets: ReadonlyMap<string, Section>;
  readonly services: ReadonlyMap<string, ComposeEntry>;
  readonly names: ReadonlyMap<string, string>;
}

function addBuilds(
  { targets, services, names }: ComposeBuilds,
  interpolator: Interpolator,
  draft: Draft,
): void {
  for (const [name, target] of targets) {
    const build = createBuild(names.get(name) ?? name);
    convertTarget(build, target, {
      ...interpolator,
      mayInherit: false,
      nameOf: (other) => {
        if (!targets.has(other)) {
          addNote(draft, `the service "${other}" that it reads has no build section`, build.name);
        }
        return names.get(other) ?? other;
      },
      note: (sentence) => addNote(draft, sentence, build.name),
    });
    const bare = bareArguments(target['args']);
    if (bare.length > 0) {
      const args = build.keys.get('args');
      build.keys.set('args', {
        ...(isRecord(args) ? (args as Readonly<Record<string, string>>) : {}),
        ...Object.fromEntries(bare.map((arg) => [arg, interpolator.given(arg)])),
      });
    }
    const entry = services.get(name);
    if (entry !== undefined) takeComments(entry, build);
    draft.builds.push(build);
  }
}

/** Arguments without a value, which come from the environment. */
function bareArguments(args: unknown): readonly string[] {
  const names = isRecord(args)
    ? Object.entries(args).flatMap(([name, value]) => (value === null ? [name] : []))
    : asList(args).filter((item): item is string => typeof item === 'string' && !item.includes('='));
  return names.filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

/** Variables with values from files of variables, except for names that sound like secrets. */
function addVariables(interpolator: Interpolator, draft: Draft): void {
  const withheld: string[] = [];
  draft.variables.push(
    ...interpolator.variables((name) => {
      if (soundsSecret(name)) withheld.push(name);
      return !soundsSecret(name);
    }),
  );
  if (withheld.length > 0)
    addNote(draft, `the values of ${withheld.join(', ')} in a variables file are not copied`);
}

/** A group for each profile; services without one are built by default. */
function addProfiles(names: ReadonlyMap<string, string>, services: Section, draft: Draft): void {
  const members = new Map<string, string[]>();
  const always: string[] = [];
  for (const [name, build] of names) {
    const service = services[name];
    const profiles = isRecord(service) ? textList(service['profiles']) : [];
    if (profiles.length === 0) always.push(build);
    for (const profile of profiles) members.set(profile, [...(members.get(profile) ?? []), build]);
  }
  if (members.size === 0) return;
  const taken = new Set(names.values());
  draft.groups.push({ name: 'default', members: always });
  const fitted = fitNames(members.keys());
  for (const [profile, builds] of members) {
    const isClash = taken.has(profile) || profile === 'default';
    const name = isClash ? `profile-${profile}` : (fitted.get(profile) ?? profile);
    draft.groups.push({ name, members: builds });
  }
}
