/** Finds a page, a section of it, or the explanation of a problem code. */
import { suggest } from '../util/suggest.ts';
import { readSections, type Section } from './sections.ts';

/** A page and its name: its path below docs/ without `.md`. */
export interface Page {
  readonly name: string;
  readonly text: string;
}

/** A page, or a section of one. */
export interface Topic {
  /** The argument of `bake-ts docs` for it: `proxy`, `cli#exit-codes`. */
  readonly name: string;
  readonly title: string;
  readonly text: string;
}

/** The topics that were found. If there are none, `nearest` may be a similar name. */
export interface FoundTopics {
  readonly topics: readonly Topic[];
  readonly nearest?: string;
}

/**
 * Finds topics by the name of a page, by `page#anchor`, or by words, which are searched in names of pages first and then
 * in headings. An exact name or heading is preferred to others that contain the words.
 */
export function findTopics(pages: readonly Page[], asked: string): FoundTopics {
  const wanted = normalize(asked);
  const pageName = pageNameOf(asked);
  const anchor = wanted.split('#')[1];
  const page = pages.find(({ name }) => name === pageName);
  if (page !== undefined && anchor === undefined) return { topics: [topicOfPage(page)] };
  if (anchor !== undefined) {
    const sections = page === undefined ? [] : readSections(page.text);
    const found = sectionOf(sections, anchor);
    if (page !== undefined && found !== undefined) return { topics: [topicOfSection(page, found)] };
    return withNearest(wanted, page === undefined ? pages : [page]);
  }
  const words = wanted.split(/[\s-]+/).filter((one) => one !== '');
  const holds = (text: string): boolean => {
    const lower = text.toLowerCase();
    return words.length > 0 && words.every((word) => lower.includes(word));
  };
  const named = pages.filter(({ name }) => holds(name.replaceAll('-', ' ')));
  if (named.length > 0) return { topics: named.map(topicOfPage) };
  const sections = pages.flatMap((one) => readSections(one.text).map((section) => ({ page: one, section })));
  const joined = words.join(' ');
  const exact = sections.filter(({ section }) => section.title.toLowerCase().replaceAll('-', ' ') === joined);
  const found = exact.length > 0 ? exact : sections.filter(({ section }) => holds(section.title));
  if (found.length === 0) return withNearest(wanted, pages);
  return {
    topics: found.map(({ page: one, section }) =>
      section.level === 1 ? topicOfPage(one) : topicOfSection(one, section),
    ),
  };
}

/** The section about a problem code on a page of docs/failures/. */
export function findCode(page: Page, code: string): Topic | undefined {
  const section = readSections(page.text).find(({ title }) => title === code);
  return section === undefined ? undefined : topicOfSection(page, section);
}

/** All problem codes that a page explains. */
export function codesOf(page: Page): readonly string[] {
  return readSections(page.text).flatMap(({ title }) => (/^[a-z]+\/[a-z0-9-]+$/.test(title) ? [title] : []));
}

function topicOfPage({ name, text }: Page): Topic {
  return { name, title: readSections(text)[0]?.title ?? name, text };
}

function topicOfSection({ name }: Page, { slug, title, text }: Section): Topic {
  return { name: `${name}#${slug}`, title, text };
}

function withNearest(wanted: string, pages: readonly Page[]): FoundTopics {
  const names = pages.flatMap(({ name, text }) => [
    name,
    ...readSections(text).flatMap(({ slug, title }) => [`${name}#${slug}`, title]),
  ]);
  const nearest = suggest(wanted, names);
  return { topics: [], ...(nearest === undefined ? {} : { nearest }) };
}

/** The section of an anchor; for a command, its name is enough: `cli#run`. */
function sectionOf(sections: readonly Section[], anchor: string): Section | undefined {
  const command = `bake-ts-${anchor}`;
  return (
    sections.find(({ slug }) => slug === anchor) ??
    sections.find(({ slug }) => slug === command || slug.startsWith(`${command}-`))
  );
}

/** The page name in a query, if it has one. */
export function pageNameOf(asked: string): string {
  return normalize(asked).split('#')[0] ?? '';
}

/** Also accepts names in the form in which they appear in links. */
function normalize(asked: string): string {
  return asked
    .trim()
    .toLowerCase()
    .replace(/^(?:\.?\/)?docs\//, '')
    .replace(/\.md(?=#|$)/, '');
}
