/** What a user can do so that an input that is not known becomes known, and the build can be left alone. */

/** Sentences of `keyParts`, of the Dockerfile's facts and of image lookups, by what mends them. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^ADD .* may have changed/,
    'Add --checksum=sha256:… to the instruction (for git: a full commit after #).',
  ],
  [
    /^its Dockerfile comes with the context/,
    'Use a local context, or give the Dockerfile here with `dockerfile-inline:`.',
  ],
  [
    /^the context .* is remote and may have changed/,
    'End the address of a git context with # and a full commit; fetch other ones into a local context.',
  ],
  [/is an OCI layout without a digest$/, 'Write oci-layout://PATH@sha256:… with the digest of the image.'],
  [
    /^what the base image .* sets and triggers cannot be read$/,
    'Make the image readable from here for every platform that is built: sign in, or reach its registry.',
  ],
  [
    /is not in its registry$|cannot be looked up: |could not be resolved to a digest$/,
    'Push the image or sign in to its registry; pinned (NAME@sha256:…) or in builds.lock it need not be looked up.',
  ],
  [/is no image reference$/, 'Write REGISTRY/REPOSITORY:TAG.'],
  [
    /^the frontend .* decides what is read$/,
    'Nothing: only the frontend docker/dockerfile is understood here.',
  ],
  [/^SOURCE_DATE_EPOCH is taken from /, 'Give a fixed number of seconds: `source-date-epoch: 0`.'],
  [
    /: it depends on |: it cannot be expanded$/,
    'Give the argument a value in `args:`, or a default in the Dockerfile.',
  ],
  [/ has a flag --\S+ that is not known here$/, 'Use a newer bake-ts, or leave the flag out.'],
  [/^a trigger of .* cannot be read$/, 'Correct the ONBUILD line in the Dockerfile of that image.'],
  [/: there is no stage /, 'Name a stage of this Dockerfile.'],
  [/^the result (of|behind) .* has no digest$/, 'Let the build it stands on make an image, not only files.'],
  [/^the files of the context .* were not read$/, 'Make the context a local directory.'],
];

/** What to do about an unknown input; undefined where there is no advice. */
export function remedyFor(untracked: string): string | undefined {
  return REMEDIES.find(([sentence]) => sentence.test(untracked))?.[1];
}
