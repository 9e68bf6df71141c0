/**
 * Nightly job: moves builds.lock to the newest base images, builds what that changes without pushing, and writes a summary in
 * Markdown for the pull request. Commit builds.lock afterwards; the script does not touch git.
 *
 *   node update-lock.ts > summary.md
 */
import process from 'node:process';
import { formatProblems, lock, outdated, run, unwrap, update } from 'bake-ts';

// Images that were added to Dockerfiles since the last run.
unwrap(await lock());

const unknown = unwrap(await outdated()).filter(({ state }) => state === 'unknown');
for (const { image, problem } of unknown)
  console.error(`${image} was not checked: ${problem?.message ?? 'no answer'}`);

const updated = unwrap(await update());
if (updated.length === 0) console.log('All base images are up to date.');
else {
  console.log('| Image | From | To | Rebuilds |\n|---|---|---|---|');
  for (const { image, from, to, builds, above } of updated)
    console.log(`| ${image} | \`${short(from)}\` | \`${short(to)}\` | ${[...builds, ...above].join(', ')} |`);
  const built = await run({ patterns: ['*'], set: ['*.push=false'] });
  console.log(
    built.ok ? '\nAll builds succeed.' : `\nBuilds fail:\n\n\`\`\`\n${formatProblems(built.error)}\n\`\`\``,
  );
  if (!built.ok) process.exitCode = 1;
}

function short(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
