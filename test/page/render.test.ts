import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { renderPage } from '../../lib/page/mod.ts';
import type { PageData } from '../../lib/page/page-data.ts';
import { makeTimeline } from '../rig/timelines.ts';

/** The JSON of an element of the page, as a browser reads it. */
function jsonOf(html: string, id: string): unknown {
  const start = `<script type="application/json" id="${id}">`;
  const from = html.indexOf(start) + start.length;
  return JSON.parse(html.slice(from, html.indexOf('</script>', from)));
}

test('a page holds its run and its logs, whatever is in them', async () => {
  const { timeline } = makeTimeline({ builds: 6 });
  const evil = '</script><!--<script>\u2028"\'&';
  const [first] = timeline.builds;
  assert.ok(first !== undefined);
  const spoiled = {
    ...timeline,
    root: evil,
    builds: [{ ...first, build: evil }, ...timeline.builds.slice(1)],
  };
  const log = { parts: [{ step: evil, attempt: 1, text: evil }], omitted: 3 };
  const html = await renderPage(spoiled, { logs: new Map([[evil, log]]) });
  const data = jsonOf(html, 'run') as PageData;
  assert.deepEqual(data.timeline, JSON.parse(JSON.stringify(spoiled)));
  assert.deepEqual(jsonOf(html, 'log-0'), log);
  assert.deepEqual(data.logs, { 0: { size: evil.length, omitted: 3 } });
  // One for the run, one for the log, one for the application.
  assert.equal(html.match(/<\/script>/g)?.length, 3);
});

test('the policy of a page allows its own script and style, and nothing else', async () => {
  const html = await renderPage(makeTimeline({ builds: 2 }).timeline);
  const hashOf = (tag: string): string => {
    const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(html)?.[1] ?? '';
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
  assert.equal(
    policy,
    `default-src 'none'; script-src ${hashOf('script')}; style-src ${hashOf('style')}; img-src data:; base-uri 'none'; form-action 'none'`,
  );
});

test('the command that runs what failed again names the failed builds as a shell takes them', async () => {
  const { timeline } = makeTimeline({ builds: 6 });
  const rerunOf = async (change: Partial<typeof timeline>): Promise<string> =>
    (jsonOf(await renderPage({ ...timeline, ...change }), 'run') as PageData).rerun;
  const builds = timeline.builds.map((one) =>
    one.outcome?.kind === 'failed' ? { ...one, build: "it's" } : one,
  );
  assert.equal(await rerunOf({ builds }), `bake-ts run 'it'\\''s' mail-server auth-server`);
  assert.equal(
    await rerunOf({ builds, files: ['a b.yaml'] }),
    `bake-ts run -f 'a b.yaml' 'it'\\''s' mail-server auth-server`,
  );
  assert.equal(
    await rerunOf({ builds, files: ['builds.yaml'] }),
    `bake-ts run 'it'\\''s' mail-server auth-server`,
  );
  const all = builds.map((one) =>
    one.outcome === undefined ? one : { ...one, outcome: { ...one.outcome, kind: 'failed' as const } },
  );
  assert.equal(await rerunOf({ builds: all, command: ['run', 'api-*'] }), "bake-ts run 'api-*'");
});

test('the script of the page is small, and names the licences of what is in it', async () => {
  const html = await renderPage(makeTimeline({ builds: 2 }).timeline);
  const script = /<script>([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
  assert.ok(script.length < 150_000, `${script.length} characters`);
  assert.match(script, /preact \d[\s\S]*MIT/);
  assert.match(script, /anser \d[\s\S]*MIT/i);
});
