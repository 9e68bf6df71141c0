/**
 * Finds arguments and secrets that builds.yaml passes but the Dockerfile does not use, or the reverse. BuildKit silently
 * ignores both. All of them are warnings: a step may well work without its secret. Also finds values that are passed in a
 * way that everybody can see.
 */
import { type Declared, type Dockerfile, declaredBy, type Handed } from '../dockerfile/mod.ts';
import {
  type Build,
  createHider,
  isProxyArgument,
  type Plan,
  type Problem,
  type Span,
} from '../model/mod.ts';
import { didYouMean } from '../util/suggest.ts';
import type { DockerfileLibrary } from './dockerfiles.ts';
import { type Finding, mergeBuilds, placeKey } from './findings.ts';

/** Arguments that BuildKit sets without an ARG (frontend/dockerfile/docs/reference.md). */
const PREDEFINED =
  /^(?:BUILDKIT_.*|SOURCE_DATE_EPOCH|(?:BUILD|TARGET)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)|TARGETSTAGE)$/;

/**
 * Warnings about the builds of a plan: `build/secret-not-given`, `build/secret-not-mounted`, `build/arg-not-declared`,
 * `build/sensitive-arg`. A value that one place of builds.yaml passes to several builds is only reported if none of them
 * uses it, and each finding at a place is reported once. Only `build/sensitive-arg` is checked if the Dockerfile is not
 * available or is for another frontend.
 */
export function findUnmatched(plan: Plan, dockerfiles: DockerfileLibrary): readonly Problem[] {
  const checker = new Checker(plan, dockerfiles);
  const { holds } = createHider(plan.set.variables);
  const found: Finding[] = [];
  for (const { build } of plan.nodes.values())
    found.push(...checker.check(build), ...findSensitiveArgs(build, holds));
  return mergeBuilds(found);
}

class Checker {
  readonly #plan: Plan;
  readonly #dockerfiles: DockerfileLibrary;
  readonly #declared = new Map<string, Declared | undefined>();
  /** Thousands of matrix rows may share a file. */
  readonly #byFile = new Map<Dockerfile, Declared>();
  /** Place in builds.yaml → builds to which that place passes something. */
  #byPlace: ReadonlyMap<string, readonly Build[]> | undefined;

  constructor(plan: Plan, dockerfiles: DockerfileLibrary) {
    this.#plan = plan;
    this.#dockerfiles = dockerfiles;
  }

  check(build: Build): readonly Finding[] {
    const declared = this.#declaredFor(build);
    if (declared === undefined) return [];
    return [
      ...this.#missingSecrets(build),
      ...this.#spareSecrets(build, declared),
      ...this.#spareArgs(build, declared),
    ];
  }

  #missingSecrets(build: Build): readonly Finding[] {
    const given = new Set(build.secrets.map(({ id }) => id));
    return this.#mountsOf(build).flatMap(({ id, required, span }) => {
      if (given.has(id) || id === '') return [];
      const text = (isOne: boolean) =>
        `${isOne ? 'mounts' : 'mount'} the secret \`${id}\`, which ${isOne ? 'it does' : 'they do'} not provide${
          required ? ': the step fails' : '; the step runs without it'
        }`;
      const near = didYouMean(id, given);
      const hint = `${near === undefined ? '' : `${near} `}${giveSecret(build)}, for example \`id=${id},env=NAME\`.`;
      return { code: 'build/secret-not-given', build, span, text, hint };
    });
  }

  #spareSecrets(build: Build, { secrets }: Declared): readonly Finding[] {
    if (secrets === undefined) return [];
    const mounted = new Set([...secrets, ...this.#mountsOf(build).map(({ id }) => id)]);
    return build.secrets.flatMap(({ id, span }) => {
      if (mounted.has(id)) return [];
      const isTaken = (one: Declared) => one.secrets?.has(id) !== false;
      if (this.#isTakenElsewhere(build, span, isTaken)) return [];
      const text = (isOne: boolean) =>
        `${isOne ? 'is' : 'are'} given the secret \`${id}\`, which no step of the Dockerfile mounts`;
      const near = didYouMean(id, mounted);
      const hint = `${near === undefined ? '' : `${near} `}Mount it in a step with \`RUN --mount=type=secret,id=${id}\`.`;
      return { code: 'build/secret-not-mounted', build, span, text, hint };
    });
  }

  #spareArgs(build: Build, { args }: Declared): readonly Finding[] {
    return [...build.args.keys()].flatMap((name) => {
      if (args.has(name) || PREDEFINED.test(name) || isProxyArgument(name)) return [];
      const span = build.argSpans?.get(name);
      if (this.#isTakenElsewhere(build, span, (one) => one.args.has(name))) return [];
      const text = (isOne: boolean) =>
        `${isOne ? 'is' : 'are'} given the argument \`${name}\`, which no ARG of the Dockerfile declares`;
      const hint = didYouMean(name, args) ?? `Declare it with \`ARG ${name}\` in the stage that uses it.`;
      return { code: 'build/arg-not-declared', build, span, text, hint };
    });
  }

  #mountsOf(build: Build): readonly Handed[] {
    return this.#dockerfiles.factsOf(build)?.secrets ?? [];
  }

  /** Undefined if it is not known. */
  #declaredFor(build: Build): Declared | undefined {
    if (!this.#declared.has(build.name)) this.#declared.set(build.name, this.#declare(build));
    return this.#declared.get(build.name);
  }

  #declare(build: Build): Declared | undefined {
    const dockerfile = this.#dockerfiles.dockerfileOf(build);
    const facts = this.#dockerfiles.factsOf(build);
    // Another frontend has no stages.
    if (dockerfile?.ok !== true || facts === undefined || facts.stages.length === 0) return undefined;
    const parents = this.#plan.nodes.get(build.name)?.edges ?? [];
    const triggers = parents.flatMap(({ to }) => {
      const parent = this.#plan.set.builds.get(to);
      return (parent === undefined ? undefined : this.#dockerfiles.factsOf(parent))?.onbuild ?? [];
    });
    if (triggers.length > 0) return declaredBy(dockerfile.value, triggers);
    const known = this.#byFile.get(dockerfile.value) ?? declaredBy(dockerfile.value);
    this.#byFile.set(dockerfile.value, known);
    return known;
  }

  /** Whether another build that gets it from the same place uses it, or may do so. */
  #isTakenElsewhere(build: Build, span: Span | undefined, isTaken: (one: Declared) => boolean): boolean {
    if (span === undefined) return false;
    this.#byPlace ??= indexPlaces(this.#plan.set.builds.values());
    const others = this.#byPlace.get(placeKey(span)) ?? [];
    return others.some((other) => {
      if (other.name === build.name) return false;
      const declared = this.#declaredFor(other);
      return declared === undefined || isTaken(declared);
    });
  }
}

/**
 * Arguments with a sensitive value. buildctl accepts options only on its command line (buildkit cmd/buildctl/build.go),
 * which every user of this machine can read while it runs; BuildKit writes arguments into the image's history.
 */
function findSensitiveArgs(build: Build, holds: (text: string) => boolean): readonly Finding[] {
  const args = [...build.args].flatMap(([name, value]) => (holds(value) ? name : []));
  const opts = [...build.opts].flatMap(([name, value]) => (holds(value) ? `opts.${name}` : []));
  const names = [...args, ...opts];
  const [first] = names;
  if (first === undefined) return [];
  const list = names.map((name) => `\`${name}\``).join(', ');
  return [
    {
      code: 'build/sensitive-arg',
      build,
      span: build.argSpans?.get(first),
      text: (isOne) =>
        `${isOne ? 'is' : 'are'} given a sensitive value as a build argument (${list}): the list of processes shows it, and the history of the image may, too`,
      hint: `${giveSecret(build)}, and mount it in the step that needs it: \`RUN --mount=type=secret,id=…\`.`,
    },
  ];
}

function giveSecret({ isBake }: Build): string {
  return isBake === true ? 'Give it as `secret`' : 'Give it under `secrets:`';
}

function indexPlaces(builds: Iterable<Build>): ReadonlyMap<string, readonly Build[]> {
  const byPlace = new Map<string, Build[]>();
  for (const build of builds) {
    const spans = [...build.secrets.map(({ span }) => span), ...(build.argSpans?.values() ?? [])];
    for (const key of new Set(spans.flatMap((span) => (span === undefined ? [] : placeKey(span))))) {
      const known = byPlace.get(key);
      if (known === undefined) byPlace.set(key, [build]);
      else known.push(build);
    }
  }
  return byPlace;
}
