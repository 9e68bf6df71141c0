/** What users can do to make an unknown input known, so that the build can be skipped. */
import type { UnknownKind } from '../model/mod.ts';

/** Advice for each kind of unknown input. */
export const REMEDIES: Readonly<Record<UnknownKind, string>> = {
  download: 'Add --checksum=sha256:… to the instruction (for git: a full commit after #).',
  'remote-dockerfile': 'Use a local context, or give the Dockerfile here with `dockerfile-inline:`.',
  'remote-context':
    'Append # and a full commit to the URL of a git context; download other remote contexts into a local one.',
  image:
    'Push the image or sign in to its registry; an image pinned by NAME@sha256:… or builds.lock needs no registry.',
  'image-name': 'Write REGISTRY/REPOSITORY:TAG.',
  base: 'Sign in to its registry, and check that the image has every platform that is built.',
  frontend: 'Nothing to do: bake-ts understands only the frontend docker/dockerfile.',
  option: 'Remove it, or use the key of builds.yaml that does the same.',
  epoch: 'Give a fixed number of seconds: `source-date-epoch: 0`.',
  value: 'Give the argument a value in `args:`, or a default in the Dockerfile.',
  flag: 'Use a newer bake-ts, or remove the flag.',
  trigger: 'Correct the ONBUILD line in the Dockerfile of that image.',
  stage: 'Name a stage of this Dockerfile.',
  parent: 'Give the build that it reads an image output, not only files.',
  'file-name': 'Rename it (or the target of the link) in UTF-8, or exclude it with .dockerignore.',
  encoding: 'Save the Dockerfile in UTF-8.',
  unread: 'Make the context a local directory.',
};
