import type { ImageRef, Problem } from '../../lib/model/mod.ts';
import { readImageRef } from '../../lib/model/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { formatPut, type PutJson, putToJson, readTarget, withRegistry } from '../registry.ts';

/** `bake-ts tag`: gives a manifest more names. Tries all, and reports failures at the end. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [first = '', ...rest] = args.positionals;
  const from = readImageRef(first);
  if (!from.ok) return reportProblems(from.error, args, io);
  const wrong: Problem[] = [];
  const targets: ImageRef[] = [];
  for (const written of rest) {
    const target = readTarget(written, from.value);
    if (target.ok) targets.push(target.value);
    else wrong.push(...target.error);
  }
  if (wrong.length > 0) return reportProblems(wrong, args, io);
  return withRegistry(args, io, targets, async (client) => {
    const problems: Problem[] = [];
    const done: PutJson[] = [];
    // By digest, so all names get the same image even if the source tag moves meanwhile.
    const digest = await client.resolveDigest(from.value);
    if (!digest.ok) return digest.error;
    const { registry, repository } = from.value;
    for (const target of targets) {
      const put = await client.tagManifest({ registry, repository, digest: digest.value }, target);
      if (!put.ok) problems.push(...put.error);
      else {
        done.push(putToJson(put.value));
        if (!isSet(args, 'json')) io.stdout.write(formatPut(put.value));
      }
    }
    if (isSet(args, 'json')) writeJson(done, io);
    return problems;
  });
}
