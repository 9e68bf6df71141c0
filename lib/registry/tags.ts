/** The tags of a repository. Spec: "Listing Tags". */
import { fail, type ImageRef, ok, type Problem, problem, type Result } from '../model/mod.ts';
import { parseJson } from '../util/json.ts';
import type { Exchange } from './exchange.ts';
import { isRecord, strangeAnswer } from './problems.ts';
import { pullScope } from './scope.ts';

const PAGE_LIMIT = 1_000;
const MOST_TAGS = 100_000;

/** Lists the tags of a repository, page by page, in the order of the registry. */
export async function listTags(
  exchange: Exchange,
  { registry, repository }: ImageRef,
): Promise<Result<readonly string[]>> {
  const tags = new Set<string>();
  let target: string | URL = `/v2/${repository}/tags/list`;
  for (let page = 0; page < PAGE_LIMIT; page += 1) {
    const reply = await exchange.call({
      method: 'GET',
      host: registry,
      target,
      repository,
      scopes: [pullScope(repository)],
      accept: [200],
    });
    if (!reply.ok) return reply;
    const { header, body, url } = reply.value;
    const asked = { method: 'GET', url };
    const list = tagsIn(parseJson(body));
    if (list === undefined) return fail([strangeAnswer(registry, asked, 'no list of tags')]);
    for (const tag of list) tags.add(tag);
    if (tags.size > MOST_TAGS) return fail([tooMany(registry, repository)]);
    const next = /<([^>]+)>\s*;\s*rel="?next"?/i.exec(header('link') ?? '')?.[1];
    if (next === undefined || !URL.canParse(next, url.href)) return ok([...tags]);
    const following = new URL(next, url);
    if (following.origin !== url.origin) {
      const what = `a next page of tags at another host (${following.host})`;
      return fail([strangeAnswer(registry, asked, what)]);
    }
    target = following;
  }
  return fail([tooMany(registry, repository)]);
}

/** The tags of a page; null if the last tag of a repository was deleted. */
function tagsIn(page: unknown): readonly string[] | undefined {
  const list = isRecord(page) ? page['tags'] : undefined;
  if (list === null) return [];
  return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined;
}

function tooMany(registry: string, repository: string): Problem {
  return problem(
    'registry/too-large',
    `${registry}/${repository} has more than ${MOST_TAGS} tags, or sends them on more than ${PAGE_LIMIT} pages`,
    { hint: 'Delete tags that nobody needs' },
  );
}
