/**
 * Checks every link of every Markdown file: a relative one must lead to a file or directory of the repository, its anchor to a heading
 * there. Links to other sites are only checked for their form: no network.
 *
 *   node .ci/links.mjs
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { listMarkdown, readLinks } from './markdown.mjs';
import { root, say } from './support.mjs';

const files = listMarkdown();
const links = new Map(files.map((file) => [file, readLinks(file)]));
const wrong = files.flatMap((file) =>
  links.get(file).targets.flatMap((target) => {
    const why = faultOf(file, target);
    return why === undefined ? [] : [`${file}:${lineOf(file, target)}: ${target}: ${why}`];
  }),
);
for (const line of new Set(wrong)) say(line);
process.exitCode = wrong.length === 0 ? 0 : 1;

/** What is wrong with a link; undefined: nothing. */
function faultOf(file, target) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return faultOfAddress(target);
  const [, written = '', hash] = /^([^#]*)(?:#(.*))?$/s.exec(target) ?? [];
  if (written.startsWith('/')) return 'a path must be relative to its file';
  const place = decodeURIComponent(written);
  const found = place === '' ? file : path.posix.join(path.posix.dirname(file), place).replace(/\/$/, '');
  if (found.startsWith('..')) return 'it leads out of the repository';
  if (!existsSync(path.join(root, found))) return 'there is no such file';
  if (hash === undefined) return undefined;
  const page = statSync(path.join(root, found)).isDirectory() ? `${found}/README.md` : found;
  const anchors = links.get(page)?.anchors;
  if (anchors === undefined) return 'only anchors of Markdown files are known';
  return anchors.has(decodeURIComponent(hash)) ? undefined : `${page} has no such heading`;
}

function faultOfAddress(target) {
  if (target.startsWith('mailto:')) return undefined;
  if (!/^https?:\/\//.test(target)) return 'it is neither a path nor an address of the web';
  return URL.canParse(target) ? undefined : 'it is not a valid address';
}

/** The first line that has the link, to go there. */
function lineOf(file, target) {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(target)) + 1;
}
