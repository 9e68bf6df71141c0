/** Commands that work on images in registries. */
import type { Command } from 'cac';
import {
  asPushed,
  type Declare,
  fromFiles,
  JSON_TEXT,
  lazily,
  REPEATS,
  selecting,
  signingIn,
} from './shared.ts';

const DRY_RUN_TEXT = 'Read from the registries and show what would be done, but write nothing';

/** `push`, `promote`, `merge`, `inspect`, `digest`, `tag`, `copy`. */
export function declareRegistries(command: Declare): void {
  signingIn(
    fromFiles(
      command(
        'push <what> [...more]',
        'Push what is already built: builds, engine images, OCI layouts',
        'cli#registries',
      ),
    ),
  )
    .option('--filter <axis=value>', 'Select only these rows of matrices (may be repeated)', REPEATS)
    .option('--addr <address>', 'Use the images of this engine')
    .option('--json', JSON_TEXT)
    .example('  bake-ts push api web                            builds, to their tags')
    .example('  bake-ts push ghcr.io/acme/api:1.4               an image of the engine, by its name')
    .example('  bake-ts push localhost:5000/api:1 ghcr.io/acme/api:1.4')
    .example('  bake-ts push ./out/image.tar ghcr.io/acme/api:1.4')
    .action(lazily(() => import('../commands/push.ts')));
  declareReleases(command);
  declareImages(command);
}

function declareReleases(command: Declare): void {
  asPushed(
    signingIn(
      fromFiles(
        selecting(
          command(
            'promote [...builds]',
            'Copy all tags of a plan to another registry, all or none',
            'promote',
          ),
        ),
      ),
    ).option(
      '--to <destination>',
      'REGISTRY[/PREFIX] for all images, or FROM=TO for names that start with FROM (may be repeated)',
      REPEATS,
    ),
  )
    .option('--referrers', 'Also copy signatures and SBOMs that refer to the images')
    .option('--dry-run', DRY_RUN_TEXT)
    .option('--json', JSON_TEXT)
    .example('  bake-ts promote --to prod.example.com/live --var TAG=1.4')
    .example('  bake-ts promote api web --to ghcr.io/acme/staging=ghcr.io/acme/prod')
    .action(lazily(() => import('../commands/promote.ts')));
  asPushed(
    signingIn(
      fromFiles(
        selecting(
          command(
            'merge [...builds]',
            'Join platforms that were built separately, and move the tags',
            'cli#merge',
          ),
        ),
      ),
    ).option(
      '--from <path>',
      'What `run --by-digest --metadata-file` wrote, or a directory of it (may be repeated)',
      REPEATS,
    ),
  )
    .option(
      '--tag <ref>',
      'Join images by reference instead of builds, under this name (may be repeated)',
      REPEATS,
    )
    .option('--dry-run', DRY_RUN_TEXT)
    .option('--metadata-file <path>', 'Write tags and digests as `run` does, for --parents-from')
    .option('--json', JSON_TEXT)
    .example('  bake-ts merge api --from made/              what `run --by-digest` wrote into made/')
    .example('  bake-ts merge --tag ghcr.io/acme/api:1.4 ghcr.io/acme/api@sha256:… ghcr.io/acme/api@sha256:…')
    .action(lazily(() => import('../commands/merge.ts')));
}

/** These need no builds.yaml. If there is one, only its `registries:` is read. */
function declareImages(command: Declare): void {
  const settings = (command: Command): Command =>
    signingIn(
      command.option('-f, --file <path>', 'Read `registries:` from this file (may be repeated)', REPEATS),
    );
  settings(
    command('inspect <ref>', 'Show platforms, sizes, labels and attestations of an image', 'cli#registries'),
  )
    .option('--json', JSON_TEXT)
    .action(lazily(() => import('../commands/inspect.ts')));
  settings(command('digest <ref>', 'Print the digest of an image', 'cli#registries'))
    .example('  bake-ts digest ghcr.io/acme/api:1.4')
    .action(lazily(() => import('../commands/digest.ts')));
  settings(
    command(
      'tag <ref> <...newrefs>',
      'Add names to an image in its registry, without a pull',
      'cli#registries',
    ),
  )
    .option('--json', JSON_TEXT)
    .example('  bake-ts tag ghcr.io/acme/api:1.4 :stable        another tag in the same repository')
    .example('  bake-ts tag ghcr.io/acme/api:1.4 ghcr.io/acme/api-prod:1.4')
    .action(lazily(() => import('../commands/tag.ts')));
  settings(
    command('copy <from> <to>', 'Copy an image with all platforms to another registry', 'cli#registries'),
  )
    .option('--referrers', 'Also copy signatures and SBOMs that refer to the image')
    .option('--json', JSON_TEXT)
    .example('  bake-ts copy staging.acme.dev/api:1.4 ghcr.io/acme/api:1.4')
    .action(lazily(() => import('../commands/copy.ts')));
}
