/**
 * Copies the images of a release from staging to production by digest, without building anything: all tags move, or none.
 * Without `--yes` it only shows what would move.
 *
 *   node promote.ts 1.4.2 registry.example.com/live [--yes]
 */
import process from 'node:process';
import { promote, unwrap } from 'bake-ts';

const [tag, target, confirmed] = process.argv.slice(2);
if (tag === undefined || target === undefined) {
  console.error('usage: node promote.ts TAG REGISTRY[/PREFIX] [--yes]');
  process.exit(2);
}

const options = { vars: { TAG: tag }, to: [target] };
const planned = unwrap(await promote({ ...options, dryRun: true }));
const moving = planned.tags.filter(({ action }) => action === 'put');
for (const { target: name, previous, digest } of moving) console.log(`${name}: ${previous} → ${digest}`);

if (moving.length === 0) console.log('everything is there already');
else if (confirmed !== '--yes') console.log(`${moving.length} tags would move; add --yes to move them`);
else {
  // Signatures and SBOMs come along.
  const { tags } = unwrap(await promote({ ...options, referrers: true }));
  console.log(`${tags.length} tags are in production`);
}
