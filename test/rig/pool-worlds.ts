/** Repositories for runs on pools, and what such a run says. */
import type { BakeEvent } from '../../lib/model/mod.ts';
import type { Baked } from './baking.ts';
import { type FakeWorld, makeFakeWorld } from './fake-world.ts';
import type { Cleanup } from './temp.ts';

/** Names of builds. */
export const NAMES: readonly string[] = [
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
];
/** What buildctl says where its buildkitd has gone. */
export const LOST = {
  fail: 'error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF',
};

/** Builds that stand alone, each pushed. */
export function makeNine(t: Cleanup, more = ''): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `${more}builds:\n${NAMES.map((name) => `  ${name}: { context: ${name}, tags: ["${host}/${name}:1"], push: true }\n`).join('')}`,
    ...Object.fromEntries(
      NAMES.flatMap((name) => [
        [`${name}/Dockerfile`, 'FROM scratch\nCOPY file file\n'],
        [`${name}/file`, name],
      ]),
    ),
  }));
}

/** `base` and `tool`, which nobody pushes, and `app`, which reads both. */
export function makeFamily(t: Cleanup, more = ''): Promise<FakeWorld> {
  return makeFakeWorld(t, (host) => ({
    'builds.yaml': `${more.replaceAll('HOST', host)}builds:
  base: { context: base }
  tool: { context: tool }
  app: { context: app, contexts: { base: "build:base", tool: "build:tool" }, tags: ["${host}/app:1"], push: true }
groups: { default: [app] }
`,
    'base/Dockerfile': 'FROM scratch\nCOPY file base\n',
    'base/file': 'base',
    'tool/Dockerfile': 'FROM scratch\nCOPY file tool\n',
    'tool/file': 'tool',
    'app/Dockerfile': 'FROM base\nCOPY --from=tool tool tool\nCOPY file app\n',
    'app/file': 'app',
  }));
}

/** Build → engines that its calls ran on, in order. */
export function ranOn({ events }: Baked): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const event of events) {
    if (event.type !== 'node-started') continue;
    found[event.build] = [...(found[event.build] ?? []), event.engine ?? 'none'];
  }
  return found;
}

/** The events of a type. */
export function only<T extends BakeEvent['type']>(
  { events }: Baked,
  type: T,
): readonly Extract<BakeEvent, { type: T }>[] {
  return events.filter((event): event is Extract<BakeEvent, { type: T }> => event.type === type);
}
