/**
 * Builds and pushes everything as a release, then moves the floating tags: 1.4.2 also becomes 1.4, 1 and latest.
 * A tag never moves back: after 2.0.0, a patch 1.4.3 moves 1.4 and 1, and leaves latest alone.
 *
 *   node release.ts 1.4.2
 *
 * Expects a builds.yaml whose tags end in `${{ vars.TAG }}`.
 */
import process from 'node:process';
import { createRegistryClient, formatImageRef, readImageRef, run, unwrap } from 'bake-ts';

type Version = readonly [major: number, minor: number, patch: number];

const version = parse(process.argv[2] ?? '');
if (version === undefined) {
  console.error('usage: node release.ts MAJOR.MINOR.PATCH');
  process.exit(2);
}

// All tags move together, or none.
const { outcomes } = unwrap(await run({ vars: { TAG: version.join('.') }, atomic: true }));

const registry = createRegistryClient();
try {
  for (const { build, tags } of outcomes) {
    for (const { ref } of tags) {
      const image = unwrap(readImageRef(ref));
      const all = unwrap(await registry.listTags(image));
      const released = all.map(parse).filter((one) => one !== undefined);
      for (const tag of floatingTags(version, released)) {
        const { action } = unwrap(await registry.copyImage(image, { ...image, tag }));
        console.log(build, formatImageRef({ ...image, tag }), action);
      }
    }
  }
} finally {
  await registry.close();
}

function parse(text: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)$/.exec(text) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** The floating tags for which this is the newest release. */
function floatingTags(own: Version, released: readonly Version[]): readonly string[] {
  const isNewest = (among: readonly Version[]) => among.every((other) => compare(other, own) <= 0);
  const sameMajor = released.filter(([major]) => major === own[0]);
  const sameMinor = sameMajor.filter(([, minor]) => minor === own[1]);
  return [
    ...(isNewest(sameMinor) ? [`${own[0]}.${own[1]}`] : []),
    ...(isNewest(sameMajor) ? [`${own[0]}`] : []),
    ...(isNewest(released) ? ['latest'] : []),
  ];
}

function compare(one: Version, other: Version): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}
