/** What a whole Dockerfile accepts from its build, regardless of the target's stages: arguments and secrets. */
import { type Dockerfile, flagValues, type Instruction } from './instruction.ts';
import { parseTrigger } from './parse.ts';
import { argPairs } from './scope.ts';
import { parseMountFields, secretIdOf } from './sources.ts';

/** What a Dockerfile accepts. */
export interface Declared {
  /** Names of all ARG instructions. */
  readonly args: ReadonlySet<string>;
  /** Ids of all secret mounts; undefined where one depends on a variable. */
  readonly secrets: ReadonlySet<string> | undefined;
  /** Ids of all cache mounts as written: `id`, otherwise the mount's target, BuildKit's default. */
  readonly cacheMounts: ReadonlySet<string>;
}

/**
 * Everything that any instruction of a file accepts, including those in ONBUILD.
 *
 * @param triggers of its base images, in the form of image configs
 */
export function declaredBy(dockerfile: Dockerfile, triggers: readonly string[] = []): Declared {
  const args = new Set<string>();
  const secrets = new Set<string>();
  const cacheMounts = new Set<string>();
  let isDynamic = false;
  const visit = (instruction: Instruction): void => {
    if (instruction.trigger !== undefined) visit(instruction.trigger);
    if (instruction.keyword === 'ARG')
      for (const { name } of argPairs(instruction, dockerfile.escape)) args.add(name);
    if (instruction.keyword !== 'RUN') return;
    for (const { text } of flagValues(instruction, 'mount')) {
      const fields = new Map(parseMountFields(text).map(({ name, value }) => [name, value]));
      const type = fields.get('type')?.toLowerCase();
      if (type?.includes('$') === true) isDynamic = true;
      if (type === 'cache') cacheMounts.add(fields.get('id') ?? targetOf(fields));
      if (type !== 'secret') continue;
      const id = secretIdOf((name) => fields.get(name));
      if (id.includes('$')) isDynamic = true;
      else secrets.add(id);
    }
  };
  for (const instruction of dockerfile.globalArgs) visit(instruction);
  for (const { instructions } of dockerfile.stages) for (const one of instructions) visit(one);
  for (const text of triggers) {
    const trigger = parseTrigger(text, dockerfile.escape);
    if (trigger !== undefined) visit(trigger);
  }
  return { args, secrets: isDynamic ? undefined : secrets, cacheMounts };
}

function targetOf(fields: ReadonlyMap<string, string>): string {
  return fields.get('target') ?? fields.get('dst') ?? fields.get('destination') ?? '';
}
