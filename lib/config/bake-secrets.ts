/** Secrets of bake and Compose files whose variable is not set: bake builds with an empty secret. */
import { type Build, type Problem, problem, type SourceFile } from '../model/mod.ts';

/** Identifies bake's secrets. */
export interface BakeSecrets {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a secret of a file or an override is bake's. */
  readonly isBakes: (source: SourceFile | undefined) => boolean;
}

/** Marks secrets of a build that have no value, for its key, and warns about them (`build/secret-unset`). */
export function markUnsetSecrets(build: Build, { env, isBakes }: BakeSecrets): Build {
  const warnings: Problem[] = [];
  const secrets = build.secrets.map((secret): Build['secrets'][number] => {
    const { id, from, span } = secret;
    if (from.kind !== 'env' || env[from.variable] !== undefined || !isBakes(span?.source)) return secret;
    warnings.push(
      problem(
        'build/secret-unset',
        `the secret \`${id}\` of \`${build.name}\` comes from ${from.variable}, which is not set: it is empty, as in bake`,
        {
          severity: 'warning',
          hint: `Set ${from.variable} in the environment. A new value changes the key of the build.`,
          build: build.name,
          ...(span === undefined ? {} : { span }),
        },
      ),
    );
    return { ...secret, isUnset: true };
  });
  if (warnings.length === 0) return build;
  return { ...build, secrets, cautions: [...(build.cautions ?? []), ...warnings] };
}
