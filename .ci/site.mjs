/**
 * `npm run site`: the documentation as a static site, with the playground, in dist/site. VitePress and what it needs are installed on first
 * use, below docs/.vitepress, so that nobody waits for them who does not build the site.
 *
 *   node .ci/site.mjs [--serve]
 *
 * --serve shows it on a local port. BAKE_TS_SITE_BASE is the path at which it will lie (`/docs/`); default: `/`.
 */
import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makePlayground } from './playground.mjs';
import { must, root, run, say, since } from './support.mjs';

const FOLDER = path.join(root, 'docs/.vitepress');
const TARGET = path.join(root, 'dist/site');
const VITEPRESS = path.join(FOLDER, 'node_modules/vitepress/bin/vitepress.js');

/** Installs VitePress where it is missing or older than the lock file. */
export async function ensureSiteModules() {
  const lock = path.join(FOLDER, 'package-lock.json');
  const installed = path.join(FOLDER, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  const start = Date.now();
  await must(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER });
  utimesSync(installed, new Date(), new Date());
  say(`VitePress installed (${since(start)})`);
}

/** Builds everything; fails on dead links, and where a page lacks an anchor that GitHub gives it. */
async function buildSite() {
  const start = Date.now();
  const [page, { code, output }] = await Promise.all([
    makePlayground(),
    run([process.execPath, VITEPRESS, 'build', 'docs'], { show: 'never', env: { NO_COLOR: '1' } }),
  ]);
  if (code !== 0) throw new Error(`VitePress failed:\n${output}`);
  writeFileSync(path.join(TARGET, 'playground.html'), page);
  say(`dist/site (${since(start)})`);
}

if (process.argv[1] === import.meta.filename) {
  await ensureSiteModules();
  await buildSite();
  if (process.argv.includes('--serve'))
    await must([process.execPath, VITEPRESS, 'preview', 'docs'], { show: 'always' });
}
