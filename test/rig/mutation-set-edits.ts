/** Random edits of builds.yaml, of the environment, and of what lies in the registry. */
import { cp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Edit, isFree, onBuild, toggle } from './mutation-bench.ts';
import { CONTEXTS, dockerfileOf, EXTERNAL_BASE, LAYOUTS } from './mutation-repository.ts';
import { deleteManifest, digestOf, overwriteTag } from './puller.ts';

/** Edits by kind. */
export const SET_EDITS: Readonly<Record<string, Edit>> = {
  label: onBuild(({ word, random }, build) => {
    toggle(build.labels, `l${random.below(2)}`, random.below(3) === 0 ? undefined : word());
    return `labels ${JSON.stringify(build.labels)}`;
  }),
  'label of every build': async ({ set, word }) => {
    const commit = word();
    for (const build of set.builds) build.labels['commit'] = commit;
    return `commit ${commit}`;
  },
  'argument that is declared': onBuild(({ word, random }, build) => {
    const names = Object.keys(build.args).filter((name) => ['LEVEL', 'GLOBAL'].includes(name));
    if (names.length === 0) return undefined;
    toggle(build.args, random.pick(names), word());
    return `args ${JSON.stringify(build.args)}`;
  }),
  'argument that is not declared': onBuild(({ word }, build) => {
    build.args['UNDECLARED'] = word();
    return `args ${JSON.stringify(build.args)}`;
  }),
  'proxy argument': onBuild(({ random }, build) => {
    toggle(build.args, 'HTTP_PROXY', random.pick(['http://a.invalid', 'http://b.invalid', undefined]));
    return `args ${JSON.stringify(build.args)}`;
  }),
  target: async ({ set, random }) => {
    const tools = set.builds.find((one) => one.name === 'tools');
    if (tools === undefined) return undefined;
    const before = tools.target;
    if (random.below(2) === 0) delete tools.target;
    else tools.target = random.pick(['final', 'Final']);
    return tools.target === before ? undefined : `tools: target ${tools.target}`;
  },
  description: onBuild(({ word }, build) => {
    build.description = word();
    return 'another description';
  }),
  platform: onBuild((_, build) => {
    if (build.platforms.length > 1) return undefined;
    build.platforms = build.platforms.length === 0 ? ['linux/amd64'] : [];
    return `platforms ${build.platforms.join() || 'none'}`;
  }),
  'context swapped': async ({ set, random }) => {
    const archive = set.builds.find((one) => one.name === 'archive');
    if (archive === undefined) return undefined;
    const to = random.pick(['swap', 'bundle/links', 'tools/in']);
    if (archive.contexts['extra'] === to) return undefined;
    archive.contexts['extra'] = to;
    return `archive: extra is ${to}`;
  },
  'order of builds': async ({ set, random }) => {
    set.builds.push(...set.builds.splice(random.below(set.builds.length), 1));
    return `${set.builds.at(-1)?.name} is last`;
  },
  variable: async ({ set, word }) => {
    set.extra = word();
    return `EXTRA=${set.extra}`;
  },
  'external base moved': async ({ set, random }) => {
    const base = `${set.host}/${EXTERNAL_BASE.repository}`;
    const to = random.pick(EXTERNAL_BASE.variants);
    if ((await digestOf(`${base}:${to}`)) === (await digestOf(`${base}:${EXTERNAL_BASE.tag}`)))
      return undefined;
    await overwriteTag(`${base}:${EXTERNAL_BASE.tag}`, `${base}:${to}`);
    return `stable is ${to}`;
  },
  'tag deleted': async ({ set, random }) => {
    const tag = random.pick(random.pick(set.builds).tags);
    if ((await digestOf(tag)) === undefined) return undefined;
    await deleteManifest(tag);
    return `${tag} deleted`;
  },
  'tag overwritten': async ({ set, random, published }) => {
    const tag = random.pick(random.pick(set.builds).tags);
    const digest = random.pick([...(published.get(tag) ?? [])]);
    // An older manifest may have been deleted meanwhile.
    const there = `${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`;
    if ((await digestOf(there)) === undefined || (await digestOf(tag)) === digest) return undefined;
    await overwriteTag(tag, there);
    return `${tag} is ${digest}`;
  },
  nothing: async () => 'nothing',
  'tag added or removed': onBuild(({ set, word }, build) => {
    const [first = '', ...more] = build.tags;
    build.tags = more.length > 0 ? [first] : [first, `${set.host}/mut/${build.name}:${word()}`];
    return `tags ${build.tags.join(' ')}`;
  }),
  'Dockerfile moved': async ({ dir, set, random }) => {
    const build = random.pick(set.builds);
    const file = dockerfileOf(build);
    if (file === undefined || set.builds.some((one) => one !== build && dockerfileOf(one) === file))
      return undefined;
    const to = `${path.dirname(file)}/${path.basename(file) === 'Dockerfile' ? 'Containerfile' : 'Dockerfile'}`;
    if (!(await isFree(path.join(dir, to)))) return undefined;
    await rename(path.join(dir, file), path.join(dir, to));
    build.dockerfile = to;
    return `${build.name}: ${file} is ${path.basename(to)}`;
  },
  'context moved': async ({ dir, set, random, word }) => {
    const build = random.pick(set.builds);
    const isShared = set.builds.some((one) => one !== build && one.context === build.context);
    if (isShared || build.dockerfile !== undefined || !CONTEXTS.includes(build.context)) return undefined;
    const to = `elsewhere/${word()}/${build.context}`;
    await cp(path.join(dir, build.context), path.join(dir, to), { recursive: true, verbatimSymlinks: true });
    build.context = to;
    return `${build.name}: context ${to}, with the same files`;
  },
  'context moved back': async ({ dir, set, random }) => {
    const moved = set.builds.filter((one) => one.context.startsWith('elsewhere/'));
    if (moved.length === 0) return undefined;
    const build = random.pick(moved);
    const to = path.basename(build.context);
    await rm(path.join(dir, path.dirname(build.context)), { recursive: true });
    build.context = to;
    return `${build.name}: context ${to}`;
  },
  'argument in FROM': async ({ set, random }) => {
    const build = set.builds.find((one) => one.name === 'options');
    if (build === undefined) return undefined;
    toggle(build.args, 'VARIANT', random.pick([undefined, ...EXTERNAL_BASE.variants]));
    return `options: VARIANT=${build.args['VARIANT']}`;
  },
  'image behind a context': async ({ set, random }) => {
    const build = set.builds.find((one) => one.name === 'replaced');
    if (build === undefined) return undefined;
    const tag = random.pick([EXTERNAL_BASE.tag, ...EXTERNAL_BASE.variants]);
    const now = random.below(3) === 0 ? 'build:base' : `image:${set.host}/${EXTERNAL_BASE.repository}:${tag}`;
    if (build.contexts['alpine'] === now) return undefined;
    build.contexts['alpine'] = now;
    return `replaced: alpine is ${now}`;
  },
  'Dockerfile in builds.yaml': async ({ set, random, word }) => {
    const build = set.builds.find((one) => one.inline !== undefined);
    if (build?.inline === undefined) return undefined;
    build.inline += random.pick([`# ${word()}\n`, `LABEL i=${word()}\n`, '\n']);
    return `${build.name}: ${JSON.stringify(build.inline.split('\n').at(-2))} added`;
  },
  'order of platforms': async ({ set }) => {
    const build = set.builds.find((one) => one.name === 'multi');
    if (build === undefined) return undefined;
    build.platforms = [...build.platforms].reverse();
    return `multi: ${build.platforms.join()}`;
  },
  'builds.yaml written otherwise': async ({ set, random }) => {
    const before = set.layout;
    set.layout = random.pick(LAYOUTS);
    return set.layout === before ? undefined : `as ${set.layout}`;
  },
  'fresh machine': async ({ home, set }) => {
    if (set.record === undefined) return undefined;
    await rm(path.join(home, 'state'), { recursive: true, force: true });
    return 'its state is gone, records are in the registry';
  },
  'state lost': async ({ home, random }) => {
    // All that is remembered on this machine only: builds run again, so not too often.
    if (random.below(6) !== 0) return undefined;
    await rm(path.join(home, 'state', random.pick(['stats', 'sent', 'images', 'last'])), {
      recursive: true,
      force: true,
    });
    return 'a part of the state is gone';
  },
};
