/**
 * The Markdown files of the project with their anchors and link targets. Anchors are those of GitHub; the site
 * (docs/.vitepress) makes the same, so that links work in both places.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { root } from './support.mjs';

/** Every Markdown file for readers, relative to the repository, in a stable order. */
export function listMarkdown() {
  const below = (folder) =>
    readdirSync(path.join(root, folder), { recursive: true })
      .map((name) => `${folder}/${String(name).replaceAll(path.sep, '/')}`)
      .filter((name) => name.endsWith('.md') && !name.includes('/.vitepress/'))
      .sort();
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
  return [...top.sort(), ...below('docs'), ...below('examples')];
}

/**
 * Reads anchors and links of a file.
 * @returns {{ anchors: ReadonlySet<string>, targets: readonly string[] }} `targets`: of links and images, as written
 */
export function readLinks(file) {
  const html = micromark(readFileSync(path.join(root, file), 'utf8'), {
    allowDangerousHtml: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  });
  const titles = [...html.matchAll(/<h[1-6]>([\s\S]*?)<\/h[1-6]>/g)].map(([, inner]) => textOf(inner));
  const named = [...html.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name]) => decode(name));
  const targets = [...html.matchAll(/<(?:a|img) [^>]*?(?:href|src)="([^"]*)"/g)].map(([, target]) =>
    decode(target),
  );
  return { anchors: new Set([...uniqueSlugs(titles.map(slugOf)), ...named]), targets };
}

/** The text of a heading. Angle brackets in it are entities, so that what looks like a tag is one. */
function textOf(html) {
  return decode(html.replaceAll(/<[^>]*>/g, ''));
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };

function decode(text) {
  return text.replaceAll(/&(amp|lt|gt|quot);/g, (_all, name) => ENTITIES[name]);
}

/**
 * The anchor of a heading: small letters, blanks as hyphens, without punctuation.
 * @param {string} title
 * @returns {string}
 */
export function slugOf(title) {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Anchors of one page: the second heading of the same text gets `-1`, the third `-2`.
 * @param {readonly string[]} slugs
 * @returns {string[]}
 */
function uniqueSlugs(slugs) {
  const seen = new Set();
  return slugs.map((slug) => {
    let unique = slug;
    for (let count = 1; seen.has(unique); count += 1) unique = `${slug}-${count}`;
    seen.add(unique);
    return unique;
  });
}
