/**
 * Hands secrets from a password manager to builds. The command runs only if a build that needs the secret runs; the value goes to
 * buildctl through a pipe that only it can read, and never into the image, a log or the key.
 *
 *   node secrets.ts
 *
 * In the Dockerfile: RUN --mount=type=secret,id=npm-token NPM_TOKEN=$(cat /run/secrets/npm-token) npm ci
 */
import { run, unwrap } from 'bake-ts';

const { outcomes } = unwrap(
  await run({
    definition: {
      builds: {
        web: {
          context: 'web',
          tags: ['registry.example.com/shop/web:1'],
          push: true,
          secrets: [{ id: 'npm-token', command: ['pass', 'show', 'ci/npm-token'] }],
        },
      },
    },
  }),
);
for (const { build, kind } of outcomes) console.log(build, kind);
