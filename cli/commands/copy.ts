import { readImageRef } from '../../lib/model/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { reportProblems, writeJson } from '../output.ts';
import { formatPut, formatTransfer, putToJson, readTarget, withRegistry } from '../registry.ts';
import { withTransferView } from '../transfers.ts';

/** `bake-ts copy`: copies an image unchanged, with all platforms and attestations, so it keeps its digest. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const [first = '', second = ''] = args.positionals;
  const from = readImageRef(first);
  const to = readTarget(second, from.ok ? from.value : undefined);
  if (!from.ok || !to.ok) {
    return reportProblems([...(from.ok ? [] : from.error), ...(to.ok ? [] : to.error)], args, io);
  }
  return withRegistry(args, io, [to.value], async (client) => {
    const referrers = isSet(args, 'referrers');
    const copied = await withTransferView('copying', args, io, (onBlob) =>
      client.copyImage(from.value, to.value, { referrers, onBlob }),
    );
    if (!copied.ok) return copied.error;
    io.stderr.write(formatTransfer(copied.value));
    if (isSet(args, 'json')) writeJson(putToJson(copied.value), io);
    else io.stdout.write(formatPut(copied.value));
    return [];
  });
}
