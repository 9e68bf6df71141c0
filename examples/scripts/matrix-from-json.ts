/**
 * Builds the services that a JSON file lists, without a builds.yaml:
 *
 *   [{ "name": "api", "context": "api", "versions": ["1.2", "1.3"] }]
 *
 *   node matrix-from-json.ts services.json registry.example.com/shop
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { type BuildsDefinition, run, unwrap } from 'bake-ts';

interface Service {
  readonly name: string;
  readonly context: string;
  readonly versions: readonly string[];
}

const [file, repository] = process.argv.slice(2);
if (file === undefined || repository === undefined) {
  console.error('usage: node matrix-from-json.ts FILE REGISTRY/PREFIX');
  process.exit(2);
}
const services = JSON.parse(await readFile(file, 'utf8')) as readonly Service[];

// Names, tags and values are checked as those of a builds.yaml are, each with its place in this structure.
const definition: BuildsDefinition = {
  builds: Object.fromEntries(
    services.map(({ name, context, versions }) => [
      name,
      {
        context,
        matrix: { version: [...versions] },
        args: { VERSION: '${{ matrix.version }}' },
        tags: [`${repository}/${name}:\${{ matrix.version }}`],
        push: true,
      },
    ]),
  ),
};
const { outcomes } = unwrap(await run({ definition }));
for (const { build, kind, tags } of outcomes) console.log(build, kind, ...tags.map(({ ref }) => ref));
