/** Frontends that `.ci/frontends.mjs` compiles, and images of them. */
import process from 'node:process';

/** The directory with `dockerfile-frontend` and `plain`, and why tests with them are skipped, if they are. */
export const testFrontends: { readonly dir: string; readonly skip: false | string } = {
  dir: process.env['BAKE_TS_TEST_FRONTENDS'] ?? '',
  skip: process.env['BAKE_TS_TEST_FRONTENDS'] ? false : 'no frontends: npm test compiles them',
};

/** Lines of `builds:` that make and push images of both: `HOST/frontends/plain:1` and `HOST/frontends/dockerfile:1`. */
export function frontendBuilds(host: string): string {
  const image = (name: string, program: string) => `  ${name}:
    context: ${JSON.stringify(testFrontends.dir)}
    dockerfile-inline: |
      FROM scratch
      COPY ${program} /frontend
      ENTRYPOINT ["/frontend"]
    tags: ["${host}/frontends/${name}:1"]
    push: true
`;
  return image('plain', 'plain') + image('dockerfile', 'dockerfile-frontend');
}
