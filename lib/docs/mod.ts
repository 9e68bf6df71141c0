/** The documentation for the command line: pages and sections by name, and Markdown on a terminal. */
export { linksIn } from './inline.ts';
export { type RenderStyle, renderMarkdown } from './render.ts';
export { readSections } from './sections.ts';
export { codesOf, findCode, findTopics, type Page, pageNameOf, type Topic } from './topics.ts';
