/** What a user can do so that an input that is not known becomes known, and the build can be skipped. */
import type { UnknownKind } from '../model/mod.ts';

/** Advice for each kind of unknown input. */
export const REMEDIES: Readonly<Record<UnknownKind, string>> = {
  download: 'Add --checksum=sha256:… to the instruction (for git: a full commit after #).',
  'remote-dockerfile': 'Use a local context, or give the Dockerfile here with `dockerfile-inline:`.',
  'remote-context':
    'End the address of a git context with # and a full commit; fetch other ones into a local context.',
  image:
    'Push the image or sign in to its registry; pinned (NAME@sha256:…) or in builds.lock it need not be looked up.',
  'image-name': 'Write REGISTRY/REPOSITORY:TAG.',
  base: 'Make the image readable from here for every platform that is built: sign in, or reach its registry.',
  frontend: 'Nothing: only the frontend docker/dockerfile is understood here.',
  option: 'Leave it out, or use the key of builds.yaml that does the same.',
  epoch: 'Give a fixed number of seconds: `source-date-epoch: 0`.',
  value: 'Give the argument a value in `args:`, or a default in the Dockerfile.',
  flag: 'Use a newer bake-ts, or leave the flag out.',
  trigger: 'Correct the ONBUILD line in the Dockerfile of that image.',
  stage: 'Name a stage of this Dockerfile.',
  parent: 'Let the build that it reads make an image, not only files.',
  'file-name': 'Rename it (or what the link points at) in UTF-8, or leave it out with .dockerignore.',
  encoding: 'Save the Dockerfile in UTF-8.',
  unread: 'Make the context a local directory.',
};
