/**
 * Builds for several platforms, then checks that every image really has all of them, and shows the size of each. A pool of engines
 * builds each platform on a machine that has it; one engine with emulation builds all of them itself.
 *
 *   node platforms.ts linux/amd64 linux/arm64
 */
import process from 'node:process';
import { createRegistryClient, readImageRef, run, unwrap } from 'bake-ts';

const wanted = process.argv.slice(2);
const { outcomes } = unwrap(await run({ set: [`*.platforms=${wanted.join(',')}`] }));

const registry = createRegistryClient();
try {
  for (const { build, tags } of outcomes) {
    const [tag] = tags;
    if (tag === undefined) continue;
    const { platforms } = unwrap(await registry.inspect(unwrap(readImageRef(tag.ref))));
    for (const { platform, sizeBytes } of platforms)
      console.log(build, platform, `${sizeBytes ?? '?'} bytes`);
    const missing = wanted.filter((one) => !platforms.some(({ platform }) => platform === one));
    if (missing.length > 0) throw new Error(`${tag.ref} lacks ${missing.join(', ')}`);
  }
} finally {
  await registry.close();
}
