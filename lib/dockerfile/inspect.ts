/** What a Dockerfile reads for one target, for all platforms together. */
import {
  isDockerfileFrontend,
  isReplaced,
  type Problem,
  problem,
  type Result,
  sortUnknowns,
} from '../model/mod.ts';
import { type Findings, noFindings, Walk } from './evaluate.ts';
import { type DockerfileFacts, type InspectOptions, MAIN_CONTEXT, type StageFacts } from './facts.ts';
import type { Dockerfile, Instruction, StageSource } from './instruction.ts';
import { argPairs, globalScope, type Value } from './scope.ts';
import { type ResolvedStage, resolveStages } from './stages.ts';
import { UNKNOWN } from './words.ts';

/**
 * Finds what a build of a Dockerfile reads. Problems: `dockerfile/target-missing` if no stage has the target's name,
 * `dockerfile/blank-base` if FROM is empty because an argument has no value.
 *
 * Unknown inputs are never dropped: reads are extended to the whole context, and other possible sources are listed in
 * `unknowns`.
 */
export function inspectDockerfile(dockerfile: Dockerfile, options: InspectOptions): Result<DockerfileFacts> {
  const found = noFindings();
  for (const option of options.unknownOptions ?? [])
    found.unknowns.push({
      kind: 'option',
      text: `${option} may change which files are read`,
      subject: option,
    });
  if (options.frontend !== undefined && isForeign(options.frontend, options))
    return { ok: true, value: foreignFacts(dockerfile, options, found, options.frontend) };
  const frontend = frontendOf(dockerfile, options);
  if (frontend !== undefined) {
    if (!isReplaced(frontend.text, options.contextNames))
      found.images.set('syntax', { written: frontend.text, use: 'syntax', span: frontend.span });
    if (isForeign(frontend.text, options))
      return { ok: true, value: foreignFacts(dockerfile, options, found, frontend.text) };
  }
  const target = findTarget(dockerfile, options);
  if (target === undefined) return { ok: false, error: [missingTarget(dockerfile, options)] };

  const platforms = options.platforms.length > 0 ? options.platforms : [options.enginePlatform];
  const problems = new Map<number, Problem>();
  const bases = new Map<number, { readonly base: string; readonly platform?: string }>();
  const stageName = options.target ?? dockerfile.stages.at(-1)?.name ?? '';
  platforms.forEach((platform, index) => {
    const global = globalScope(dockerfile.globalArgs, dockerfile.escape, options.args, {
      engine: options.enginePlatform,
      target: platform,
      stage: stageName,
    });
    checkEpoch(global.values.get('SOURCE_DATE_EPOCH') ?? options.args.get('SOURCE_DATE_EPOCH'), found);
    const stages = resolveStages(dockerfile, options, global, platform);
    for (const stage of stages) {
      if (stage.base.kind === 'value' && stage.base.text === '')
        problems.set(stage.source.index, blankBase(stage));
      if (bases.has(stage.source.index)) continue;
      bases.set(stage.source.index, {
        base: stage.base.kind === 'value' ? stage.base.text : stage.source.base.text,
        ...(stage.platform === undefined ? {} : { platform: stage.platform }),
      });
    }
    const walk = new Walk({
      file: dockerfile,
      options,
      global,
      stages,
      targetPlatform: platform,
      found,
    });
    const produces = walk.run(target.index);
    const targetBase = walk.baseOf(target.index);
    const agreesWith = (one: unknown, other: unknown) =>
      index === 0 || JSON.stringify(one) === JSON.stringify(other);
    found.produces = agreesWith(found.produces, produces) ? produces : undefined;
    found.targetBase = agreesWith(found.targetBase, targetBase) ? targetBase : undefined;
  });
  if (problems.size > 0) return { ok: false, error: [...problems.values()] };
  const stages = dockerfile.stages.map(
    (stage): StageFacts => ({
      index: stage.index,
      base: stage.base.text,
      ...bases.get(stage.index),
      reachable: found.reachable.has(stage.index),
      span: stage.from.span,
      ...(stage.name === undefined ? {} : { name: stage.name }),
    }),
  );
  return {
    ok: true,
    value: factsOf(found, stages, target.index, () => canonicalText(dockerfile, found, target, options.args)),
  };
}

/** A named context that replaces a frontend image is used as the frontend, which may then be any frontend. */
function isForeign(image: string, { contextNames }: InspectOptions): boolean {
  return !isDockerfileFrontend(image) || isReplaced(image, contextNames);
}

function frontendOf(
  dockerfile: Dockerfile,
  options: InspectOptions,
): { readonly text: string; readonly span: StageSource['base']['span'] } | undefined {
  const override = options.args.get('BUILDKIT_SYNTAX');
  if (override === undefined || override === '') return dockerfile.syntax;
  const [image = override] = override.split(' ');
  return { text: image, span: { source: dockerfile.source, start: 0, end: 0 } };
}

/** Another frontend may read everything that it is passed, and images whose names are not visible. */
function foreignFacts(
  dockerfile: Dockerfile,
  options: InspectOptions,
  found: Findings,
  frontend: string,
): DockerfileFacts {
  found.reads.set(MAIN_CONTEXT, 'all');
  for (const name of options.contextNames) found.reads.set(name, 'all');
  for (const name of options.args.keys()) found.declaredArgs.add(name);
  found.unknowns.push({ kind: 'frontend', text: `the frontend ${frontend} decides which files are read` });
  found.engineArgs.add('BUILDPLATFORM');
  return factsOf(found, [], 0, () => dockerfile.source.text);
}

function factsOf(
  found: Findings,
  stages: readonly StageFacts[],
  target: number,
  textOf: () => string,
): DockerfileFacts {
  let text: string | undefined;
  return {
    stages,
    target,
    images: [...found.images.values()],
    contexts: [...found.contexts.values()],
    bases: [...found.bases.values()],
    unreadBases: [...found.unreadBases],
    reads: found.reads,
    declaredArgs: found.declaredArgs,
    usesEnginePlatform: found.engineArgs.size > 0,
    remoteSources: [...found.remoteSources.values()],
    secrets: [...found.secrets.values()],
    ssh: [...found.ssh.values()],
    ports: [...found.ports],
    unknowns: sortUnknowns(found.unknowns),
    onbuild: found.onbuild,
    ...(found.produces === undefined ? {} : { produces: found.produces }),
    ...(found.targetBase === undefined ? {} : { targetBase: found.targetBase }),
    // Needed for keys, not for plans.
    get text() {
      text ??= textOf();
      return text;
    },
  };
}

function findTarget(dockerfile: Dockerfile, options: InspectOptions): StageSource | undefined {
  if (options.target === undefined || options.target === '') return dockerfile.stages.at(-1);
  const wanted = options.target.toLowerCase();
  return dockerfile.stages.findLast((stage) => stage.name === wanted);
}

function missingTarget(dockerfile: Dockerfile, options: InspectOptions): Problem {
  const names = dockerfile.stages.map((stage) => stage.name).filter((name) => name !== undefined);
  return problem(
    'dockerfile/target-missing',
    `${dockerfile.source.path} has no stage named ${options.target}`,
    {
      hint:
        names.length === 0
          ? 'Add AS and a name to a FROM line: none of its stages has a name.'
          : `Use one of its stages: ${names.join(', ')}.`,
    },
  );
}

function blankBase(stage: ResolvedStage): Problem {
  const names = [...stage.base.names].join(', ');
  return problem(
    'dockerfile/blank-base',
    `FROM ${stage.source.base.text} is empty because ${names} is not set`,
    {
      span: stage.source.base.span,
      hint: `Set ${names} in the args of the build, or give it a default with ARG before the first FROM.`,
    },
  );
}

/** BuildKit 0.34 can read the epoch from a context or stage (dockerfile2llb/epoch.go); then it is not known here. */
function checkEpoch(epoch: Value | undefined, found: Findings): void {
  if (epoch === undefined || epoch === '') return;
  if (epoch === UNKNOWN)
    found.unknowns.push({ kind: 'value', text: 'the value of SOURCE_DATE_EPOCH is unknown' });
  else if (!/^[+-]?\d+$/.test(epoch))
    found.unknowns.push({ kind: 'epoch', text: `SOURCE_DATE_EPOCH is taken from ${epoch}` });
}

/**
 * Reachable stages, numbered, and the global arguments that affect them. Stages that are not needed are left out, so that
 * adding one changes nothing; only if a stage is referred to by number, the numbers of the file are used.
 */
function canonicalText(
  dockerfile: Dockerfile,
  found: Findings,
  target: StageSource,
  args: ReadonlyMap<string, string>,
): string {
  // If warnings fail the build, every character of the file may cause one.
  if (/error\s*=\s*true/i.test(dockerfile.check ?? '')) return dockerfile.source.text;
  const lines = dockerfile.escape === '\\' ? [] : [`# escape=${dockerfile.escape}`];
  for (const instruction of dockerfile.globalArgs) {
    for (const pair of argPairs(instruction, dockerfile.escape)) {
      if (found.declaredArgs.has(pair.name)) lines.push(`ARG ${declaration(pair, args)}`);
    }
  }
  const stages = dockerfile.stages.filter((stage) => found.reachable.has(stage.index));
  const isNumbered = stages.some((stage) => stage.instructions.some(refersToNumber));
  for (const [position, stage] of stages.entries()) {
    lines.push(`# stage ${isNumbered ? stage.index : position}${stage === target ? ' (target)' : ''}`);
    for (const instruction of [stage.from, ...stage.instructions]) {
      if (instruction.keyword === 'ARG') {
        const pairs = argPairs(instruction, dockerfile.escape);
        lines.push(`ARG ${pairs.map((pair) => declaration(pair, args)).join(' ')}`);
      } else lines.push(...linesOf(instruction));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** An argument without its default if a value is given, since the default is then not evaluated (`dispatchArg`). */
function declaration(
  { name, fallback }: { readonly name: string; readonly fallback: string | undefined },
  args: ReadonlyMap<string, string>,
): string {
  return fallback === undefined || args.has(name) ? name : `${name}=${fallback}`;
}

/** True if `--from=1` or a mount's `from=1` may occur (`127.0.0.1:5000/x` is not one); triggers are checked as written. */
function refersToNumber({ keyword, flags, text }: Instruction): boolean {
  const texts = keyword === 'ONBUILD' ? [text] : flags.map((flag) => flag.text);
  return texts.some((one) => /from\W*\d+(?![\w.:/@-])/i.test(one));
}

/** The text of a heredoc is indented, so that it is not confused with an instruction. */
function linesOf(instruction: Instruction): readonly string[] {
  return [
    canonicalLine(instruction),
    ...instruction.heredocs.flatMap((doc) => doc.content.split('\n').map((line) => `| ${line}`)),
  ];
}

/** Instructions whose arguments BuildKit splits at any number of blanks (parser/line_parsers.go). */
const CUT_AT_BLANKS: ReadonlySet<string> = new Set(['ADD', 'COPY', 'FROM']);

/** An instruction without layout that BuildKit ignores. The command of RUN is unchanged. */
function canonicalLine({ keyword, flags, rest, args, isJson }: Instruction): string {
  const words = flags.map(({ text }) => (/[\s"]/.test(text) ? JSON.stringify(text) : text));
  const body = CUT_AT_BLANKS.has(keyword) && !isJson ? args.map(({ text }) => text).join(' ') : rest;
  return [keyword, ...words, body].join(' ');
}
