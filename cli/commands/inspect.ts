import { type ImageRef, readImageRef, withDefaultTag } from '../../lib/model/mod.ts';
import type { Descriptor, ImageDescription } from '../../lib/registry/mod.ts';
import { formatBytes, type Palette, plainText, shortDigest } from '../../lib/report/mod.ts';
import { isSet, type ParsedArgs } from '../args.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatTable, paletteFor, reportProblems, writeJson } from '../output.ts';
import { withRegistry } from '../registry.ts';

/** `bake-ts inspect`: what a registry has under a name. */
export async function runCommand(args: ParsedArgs, io: Io): Promise<ExitCode> {
  const parsed = readImageRef(args.positionals[0] ?? '');
  if (!parsed.ok) return reportProblems(parsed.error, args, io);
  const ref: ImageRef = withDefaultTag(parsed.value);
  return withRegistry(args, io, [ref], async (client) => {
    const image = await client.inspect(ref);
    if (!image.ok) return image.error;
    const { registry, repository } = ref;
    const referrers = await client.referrers({ registry, repository, digest: image.value.digest });
    if (!referrers.ok) return referrers.error;
    if (isSet(args, 'json')) writeJson(inspectionToJson(image.value, referrers.value), io);
    else io.stdout.write(formatInspection(image.value, referrers.value, paletteFor(args, io, io.stdout)));
    return [];
  });
}

function inspectionToJson(image: ImageDescription, referrers: readonly Descriptor[]) {
  return {
    ...image,
    platforms: image.platforms.map((one) => ({ ...one, labels: Object.fromEntries(one.labels) })),
    referrers: referrers.map(({ annotations, foreign: _, ...one }) => ({
      ...one,
      annotations: Object.fromEntries(annotations),
    })),
  };
}

function formatInspection(
  image: ImageDescription,
  referrers: readonly Descriptor[],
  palette: Palette,
): string {
  const facts: readonly (readonly [string, string])[] = [
    ['digest', image.digest],
    ['type', image.mediaType],
    ['size', `${formatBytes(image.sizeBytes)} compressed`],
  ];
  const sections = [
    `${palette.bold(plainText(image.ref))}\n${facts.map(([name, text]) => `  ${palette.dim(name.padEnd(8))}${plainText(text)}\n`).join('')}`,
    formatTable(
      ['PLATFORM', 'DIGEST', '>SIZE', '>LAYERS', 'CREATED'],
      image.platforms.map((one) => [
        one.platform ?? 'unknown',
        shortDigest(one.digest),
        formatBytes(one.sizeBytes),
        String(one.layers),
        plainText(one.created ?? ''),
      ]),
      palette,
    ),
  ];
  const add = (titles: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length > 0)
      sections.push(
        formatTable(
          titles,
          rows.map((row) => row.map(plainText)),
          palette,
        ),
      );
  };
  add(['LABEL', 'VALUE'], labelRows(image));
  add(
    ['ATTESTATION', 'OF', 'SAYS'],
    image.attestations.map((one) => [
      shortDigest(one.digest),
      subjectOf(image, one.of),
      one.predicates.join(', '),
    ]),
  );
  add(
    ['REFERRER', 'TYPE', '>SIZE'],
    referrers.map((one) => [
      shortDigest(one.digest),
      one.artifactType ?? one.mediaType,
      formatBytes(one.sizeBytes),
    ]),
  );
  return sections.join('\n');
}

/** Labels that all platforms share once, the others with their platform. */
function labelRows(image: ImageDescription): readonly (readonly string[])[] {
  const names = [...new Set(image.platforms.flatMap((one) => [...one.labels.keys()]))].sort();
  return names.flatMap((name) => {
    const values = new Set(image.platforms.map((one) => one.labels.get(name)));
    const [only] = values;
    if (values.size === 1) return [[name, only ?? '']];
    return image.platforms.flatMap((one) => {
      const value = one.labels.get(name);
      return value === undefined ? [] : [[`${name} (${one.platform ?? 'unknown'})`, value]];
    });
  });
}

function subjectOf(image: ImageDescription, digest: string | undefined): string {
  const found = image.platforms.find((one) => one.digest === digest);
  return found?.platform ?? (digest === undefined ? 'unknown' : shortDigest(digest));
}
