/** Repositories of any size, as files: for tests and benchmarks that need many images. */
import type { TreeEntry } from './temp.ts';

/** How the images are based on one another: not at all, each on the one before, or seven levels of them. */
export type Shape = 'flat' | 'chain' | 'levels';

/** One image: its name and those it reads; it is based on the first. */
export interface GeneratedImage {
  readonly name: string;
  readonly needs: readonly string[];
}

/** A repository, for bake-ts and for `docker buildx bake`. */
export interface GeneratedRepository {
  readonly images: readonly GeneratedImage[];
  readonly tree: Readonly<Record<string, TreeEntry>>;
  /** The same builds as a bake file. */
  readonly bakeFile: string;
}

const LEVELS = 7;

/** Makes a repository of `count` images that are pushed to `registry`, each with some files of its own. */
export function generateRepository(shape: Shape, count: number, registry: string): GeneratedRepository {
  const images = Array.from({ length: count }, (_, index) => ({
    name: nameOf(index),
    needs: needsOf(shape, index, count).map(nameOf),
  }));
  const tree: Record<string, TreeEntry> = {};
  const targets: Record<string, unknown> = {};
  let yaml = 'builds:\n';
  for (const { name, needs } of images) {
    const tag = `${registry}/generated-${shape}-${count}/${name}:1`;
    const copies = needs.slice(1).map((need) => `COPY --from=${need} /${need}/one.txt /from/${need}.txt\n`);
    tree[`${name}/Dockerfile`] =
      `FROM ${needs[0] ?? 'scratch'}\nLABEL image=${name}\nCOPY src/ /${name}/\n${copies.join('')}`;
    for (const file of ['one', 'two', 'three', 'four', 'five']) {
      tree[`${name}/src/${file}.txt`] = `${file} of ${name}\n`.repeat(50);
    }
    yaml += `  ${name}:\n    context: ${name}\n    tags: [${tag}]\n    push: true\n`;
    if (needs.length > 0) {
      yaml += `    contexts: { ${needs.map((need) => `${need}: build:${need}`).join(', ')} }\n`;
    }
    targets[name] = {
      context: name,
      tags: [tag.replace('/generated-', '/bake-')],
      output: ['type=registry'],
      contexts: Object.fromEntries(needs.map((need) => [need, `target:${need}`])),
    };
  }
  tree['builds.yaml'] = yaml;
  const bakeFile = JSON.stringify(
    { group: { default: { targets: Object.keys(targets) } }, target: targets },
    undefined,
    1,
  );
  return { images, tree, bakeFile };
}

function nameOf(index: number): string {
  return `image-${String(index + 1).padStart(2, '0')}`;
}

function needsOf(shape: Shape, index: number, count: number): readonly number[] {
  if (shape === 'flat' || index === 0) return [];
  if (shape === 'chain') return [index - 1];
  const width = Math.ceil(count / LEVELS);
  const level = Math.floor(index / width);
  if (level === 0) return [];
  const below = (level - 1) * width;
  const place = index % width;
  // Three of the level below, the nearest first.
  return [...new Set([0, 1, 2].map((step) => below + ((place + step) % width)))];
}
