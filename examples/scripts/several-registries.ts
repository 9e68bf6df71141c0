/**
 * Builds once, and copies every pushed image to other registries. A registry that fails does not keep the others from getting theirs.
 *
 *   node several-registries.ts mirror.example.com backup.example.com/shop
 */
import process from 'node:process';
import { createRegistryClient, formatImageRef, formatProblems, readImageRef, run, unwrap } from 'bake-ts';

const targets = process.argv.slice(2);
const { outcomes } = unwrap(await run());
const images = outcomes.flatMap(({ tags }) => tags.map(({ ref }) => unwrap(readImageRef(ref))));

const registry = createRegistryClient();
try {
  for (const target of targets) {
    const [host, ...prefix] = target.split('/');
    for (const image of images) {
      const to = { ...image, registry: host ?? '', repository: [...prefix, image.repository].join('/') };
      const copied = await registry.copyImage(image, to, { referrers: true });
      if (copied.ok)
        console.log(formatImageRef(to), copied.value.action, `${copied.value.copiedBytes} bytes`);
      else {
        console.error(formatProblems(copied.error));
        process.exitCode = 1;
      }
    }
  }
} finally {
  await registry.close();
}
