/** Secrets whose values come from commands, and how they are passed to buildctl. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Build, fail, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { runProgram, thisSystem, whyFailed } from '../system/mod.ts';
import { type Buildctl, childEnvironment, GRACE_MS } from './tool.ts';

/** The largest secret that BuildKit accepts, in bytes (session/secrets/secrets.go, `MaxSecretSize`). */
export const MOST_SECRET_BYTES: number = 500 * 1024;
/**
 * Linux allows 128 KiB for one variable (MAX_ARG_STRLEN), and all variables share a few MiB with the arguments. Windows allows
 * 32,767 characters for one (CreateProcess).
 */
const MOST_VARIABLE_BYTES = (thisSystem() === 'win32' ? 30 : 64) * 1024;

/** Where buildctl reads the value of a secret. */
export type SecretPlace = { readonly variable: string } | { readonly file: string };

/** The secrets of one call. */
export interface CommandSecrets {
  /** By id. */
  readonly places: ReadonlyMap<string, SecretPlace>;
  /** For the environment of buildctl. */
  readonly values: Readonly<Record<string, string>>;
  /** Removes the files; call it as soon as buildctl has ended. */
  readonly forget: () => Promise<void>;
}

/** The input of the secret commands. */
export interface SecretCall {
  readonly build: Build;
  readonly root: string;
  readonly workDir: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs the commands. Values are passed to buildctl in its environment, which no other user can read. Values that do not fit in a
 * variable (binary or long ones) are in a file that only this user can read, while buildctl runs.
 *
 * @returns errors: undefined if the signal was aborted; otherwise `build/secret-command`, `build/secret-too-large`
 */
export async function readSecretCommands(
  tool: Buildctl,
  { build, root, workDir, signal }: SecretCall,
): Promise<Result<CommandSecrets, Problem | undefined>> {
  const places = new Map<string, SecretPlace>();
  const values: Record<string, string> = {};
  const directory = path.join(workDir, 'secrets');
  const forget = () => rm(directory, { recursive: true, force: true });
  for (const secret of build.secrets) {
    if (secret.from.kind !== 'command') continue;
    const [program = '', ...argv] = secret.from.argv;
    const end = await runProgram({
      program,
      argv,
      env: childEnvironment(tool.env),
      cwd: root,
      graceMs: GRACE_MS,
      // Includes a line break.
      stdoutLimit: MOST_SECRET_BYTES + 2,
      ...(signal === undefined ? {} : { signal }),
    });
    const isGiven = end.exitCode === 0 && end.ended === 'by-itself';
    const value = withoutLineBreak(end.stdout);
    if (!isGiven || end.cut === true || value.length > MOST_SECRET_BYTES) {
      await forget();
      if (end.ended === 'cancelled') return fail(undefined);
      return fail({
        ...(isGiven
          ? secretTooLarge(secret.id)
          : problem(
              'build/secret-command',
              `the command \`${program}\` for the secret \`${secret.id}\` failed (${whyFailed(end)})`,
              {
                hint: 'Run it by hand to see its output, which is hidden here, since it may hold the secret.',
              },
            )),
        build: build.name,
        ...(secret.span === undefined ? {} : { span: secret.span }),
      });
    }
    const text = value.toString();
    if (value.length <= MOST_VARIABLE_BYTES && !text.includes('\0') && Buffer.from(text).equals(value)) {
      const variable = `BAKE_TS_SECRET_${places.size}`;
      places.set(secret.id, { variable });
      values[variable] = text;
    } else {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = path.join(directory, String(places.size));
      await writeFile(file, value, { mode: 0o600, flag: 'wx' });
      places.set(secret.id, { file });
    }
  }
  return ok({ places, values, forget });
}

/** The problem of a secret that is too large for BuildKit. */
export function secretTooLarge(id: string): Problem {
  return problem(
    'build/secret-too-large',
    `the secret \`${id}\` is larger than 500 KiB, the limit of BuildKit`,
    {
      hint: 'Use a key or token as the secret and fetch the large file in the step, or pass it as a named context.',
    },
  );
}

function withoutLineBreak(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
