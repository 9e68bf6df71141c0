/** Caches that are not available in the environment of a run. */
import { isActiveCache, type Plan, type Problem, problem } from '../model/mod.ts';

const NAMES_SHOWN = 3;

/** One warning `build/cache-inactive` for all builds whose configured caches are not available. */
export function findInactiveCaches(
  plan: Plan,
  env: Readonly<Record<string, string | undefined>>,
): readonly Problem[] {
  const found = [...plan.nodes.values()].flatMap(({ build }) => {
    const caches = [...build.cacheFrom, ...build.cacheTo];
    const first = caches.find((cache) => !isActiveCache(cache, env));
    return first === undefined ? [] : [{ build, span: first.span ?? build.span }];
  });
  const [first] = found;
  if (first === undefined) return [];
  const names = found.slice(0, NAMES_SHOWN).map(({ build }) => `\`${build.name}\``);
  const more = found.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  const who = all.length === 1 ? all[0] : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
  return [
    problem(
      'build/cache-inactive',
      `caches of GitHub Actions (type=gha) are not available here, so ${who} ${found.length === 1 ? 'goes' : 'go'} without`,
      {
        severity: 'warning',
        hint: 'In GitHub Actions, pass ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL to the step; only actions have them by default.',
        ...(found.length === 1 ? { build: first.build.name } : {}),
        ...(first.span === undefined ? {} : { span: first.span }),
      },
    ),
  ];
}
