/** Shared by the commands on registries: the client, references, problems, and how results are shown. */
import {
  fail,
  formatImageRef,
  type ImageRef,
  ok,
  type Problem,
  problem,
  type Result,
  readImageRef,
  withTagOf,
} from '../lib/model/mod.ts';
import type { Copied, RegistryClient, SignIn } from '../lib/registry/mod.ts';
import { formatBytes, plural } from '../lib/report/mod.ts';
import { VERSION } from '../lib/util/version.ts';
import { isSet, listOf, type ParsedArgs, textOf } from './args.ts';
import type { ExitCode } from './exit-codes.ts';
import { readInputs } from './inputs.ts';
import type { Io } from './io.ts';
import { reportProblems, reportStoppable } from './output.ts';
import { withCancellation } from './signals.ts';

/**
 * Runs a command with a client that has the credentials of the Docker config and the `registries:` of builds.yaml, and
 * closes it. The command prints its results; the problems that it returns are reported here.
 *
 * @param targets the images that `--username` is for: only their registry gets the name and the password
 */
export async function withRegistry(
  args: ParsedArgs,
  io: Io,
  targets: readonly ImageRef[],
  work: (client: RegistryClient, signal: AbortSignal) => Promise<readonly Problem[]>,
): Promise<ExitCode> {
  const signIn = await readSignIn(args, io, targets);
  if (!signIn.ok) return reportProblems(signIn.error, args, io);
  const settings = await readRegistries(args, io);
  if (!settings.ok) return reportProblems(settings.error, args, io);
  const { createRegistryClient } = await import('../lib/registry/mod.ts');
  return withCancellation(io, async ({ signal }) => {
    const client = createRegistryClient({
      registries: settings.value,
      env: io.env,
      userAgent: `bake-ts/${VERSION}`,
      signal,
      ...(signIn.value === undefined ? {} : { signIn: signIn.value }),
    });
    try {
      return reportStoppable(await work(client, signal), signal, args, io);
    } finally {
      await client.close();
    }
  });
}

/**
 * `--username` with `--password-stdin`, for the common registry of all targets; undefined if neither is given.
 * Problems: `cli/missing-value`, `cli/bad-value`, `cli/conflict`.
 */
export async function readSignIn(
  args: ParsedArgs,
  io: Io,
  targets: readonly ImageRef[],
): Promise<Result<SignIn | undefined>> {
  const username = textOf(args, 'username');
  const fromStdin = isSet(args, 'password-stdin');
  if (username === undefined && !fromStdin) return ok(undefined);
  const wrong = (code: 'missing-value' | 'bad-value' | 'conflict', message: string, hint: string) =>
    fail([problem(`cli/${code}`, message, { hint })]);
  if (username === undefined || !fromStdin) {
    const [given, lacking] = fromStdin
      ? ['--password-stdin', '--username']
      : ['--username', '--password-stdin'];
    return wrong(
      'missing-value',
      `${given} needs ${lacking} beside it`,
      'write -u NAME --password-stdin and give the password on standard input: it would be seen in arguments',
    );
  }
  if (username === '' || username.includes(':'))
    return wrong(
      'bad-value',
      '--username cannot be empty or contain a colon',
      'Give the user name of your account in the registry.',
    );
  if (listOf(args, 'file').includes('-'))
    return wrong(
      'conflict',
      '--password-stdin and --file - both read standard input',
      'give --file the path of a file',
    );
  const [registry, another] = new Set(targets.map((one) => one.registry));
  if (registry === undefined || another !== undefined)
    return wrong(
      'conflict',
      `--username is for one registry, and the targets are in ${[...new Set(targets.map((one) => one.registry))].join(', ')}`,
      'Name targets of one registry at a time.',
    );
  const typed = await io.askHidden?.(`Password for ${username} at ${registry}: `);
  if (typed !== undefined && typed.kind !== 'line')
    return wrong(
      'bad-value',
      'no password was entered',
      'Nothing was done. Run it again and enter the password.',
    );
  // A single final line break comes from `echo` or a file; others may be part of the password.
  const password = typed?.text ?? (await io.readStdin()).replace(/\r?\n$/, '');
  if (password === '')
    return wrong('bad-value', 'no password came on standard input', 'Write --password-stdin < FILE.');
  return ok({ registry, username, password });
}

type Registries = Parameters<typeof import('../lib/registry/mod.ts').createRegistryClient>[0]['registries'] &
  object;

/**
 * `registries:` of the builds.yaml here, if there is one. If it cannot be read (for example, a variable is not set) and
 * `-f` does not name it, it is ignored with a warning: most registries need no settings.
 */
async function readRegistries(args: ParsedArgs, io: Io): Promise<Result<Registries>> {
  const read = await readInputs(args, io, { onlySettings: true });
  if (read.ok) return ok(read.value.set.registries);
  if (listOf(args, 'file').length > 0) return read;
  if (!read.error.every((one) => one.code === 'config/no-file')) {
    const because = read.error.find((one) => one.severity === 'error')?.message ?? 'it is not valid';
    reportProblems(
      [
        problem('cli/settings-unread', `\`registries:\` of builds.yaml is ignored: ${because}`, {
          severity: 'warning',
          hint: '`bake-ts validate` shows what is wrong.',
        }),
      ],
      args,
      io,
    );
  }
  return ok(new Map());
}

/**
 * Reads the new name of an image. `:TAG` is another tag beside `from`. A name without tag and digest gets the tag of
 * `from`, never silently `latest`. A single word is rejected, because it would mean Docker Hub's official images.
 * Problem: `cli/bad-reference`.
 */
export function readTarget(written: string, from: ImageRef | undefined): Result<ImageRef> {
  if (from !== undefined && written.startsWith(':')) {
    const beside = readImageRef(
      `${formatImageRef({ registry: from.registry, repository: from.repository })}${written}`,
    );
    return beside.ok ? beside : readImageRef(written);
  }
  if (!written.includes('/')) {
    return fail([
      problem('cli/bad-reference', `"${written}" does not name a repository`, {
        hint:
          from === undefined
            ? 'write REGISTRY/REPOSITORY:TAG'
            : `Write :${written} for a tag in the same repository, or REGISTRY/REPOSITORY:TAG.`,
      }),
    ]);
  }
  const ref = readImageRef(written);
  return !ref.ok || from === undefined ? ref : ok(withTagOf(ref.value, from));
}

/** A name that was put, as JSON; `previous` is a digest, `absent` or `unknown`. */
export interface PutJson extends Omit<Copied, 'previous'> {
  readonly previous: string;
}

/** Converts a name that was put to JSON. */
export function putToJson(copied: Copied): PutJson {
  const { previous, ...rest } = copied;
  return {
    previous: previous.kind === 'present' ? previous.digest : previous.kind,
    ...rest,
  };
}

/** The same as a line, with the previous digest, so that it can be restored. */
export function formatPut({ ref: name, previous, digest, action }: Copied): string {
  if (action === 'there') return `${name}  ${digest}  (already there)\n`;
  const before =
    previous.kind === 'present'
      ? `was ${previous.digest}`
      : previous.kind === 'absent'
        ? 'new'
        : 'previous image unknown';
  return `${name}  ${digest}  (${before})\n`;
}

/** What was transferred, as a line; empty if nothing was. */
export function formatTransfer({
  blobs,
  copiedBytes,
  referrers,
}: Pick<Copied, 'blobs' | 'copiedBytes' | 'referrers'>): string {
  const parts = [
    ...(blobs.copied > 0 ? [`${plural(blobs.copied, 'blob')} sent (${formatBytes(copiedBytes)})`] : []),
    ...(blobs.mounted > 0 ? [`${blobs.mounted} mounted`] : []),
    ...(blobs.there > 0 ? [`${blobs.there} there already`] : []),
    ...(referrers > 0 ? [plural(referrers, 'referrer')] : []),
  ];
  return parts.length === 0 ? '' : `${parts.join(', ')}\n`;
}
