/** Headings of a Markdown page, their anchors, and the text below each. */

/** A heading and what belongs to it. */
export interface Section {
  /** 1 for the title of the page. */
  readonly level: number;
  /** The heading without markup. */
  readonly title: string;
  /** The anchor that GitHub generates. */
  readonly slug: string;
  /** The heading and everything up to the next one of the same or a higher level. */
  readonly text: string;
}

/** All sections of a page, in order. Sections of a lower level are also part of those above them. */
export function readSections(page: string): readonly Section[] {
  const lines = page.split('\n');
  const headings: { readonly at: number; readonly level: number; readonly title: string }[] = [];
  let fence: string | undefined;
  for (const [at, line] of lines.entries()) {
    const mark = /^ *(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined;
      continue;
    }
    if (mark !== undefined) {
      fence = mark;
      continue;
    }
    const [, marks, title] = /^(#{1,6}) +(.*?) *#*$/.exec(line) ?? [];
    if (marks !== undefined && title !== undefined)
      headings.push({ at, level: marks.length, title: bareTitle(title) });
  }
  const used = new Map<string, number>();
  return headings.map(({ at, level, title }, index) => {
    const end = headings.slice(index + 1).find((one) => one.level <= level)?.at ?? lines.length;
    const plain = slugOf(title);
    const before = used.get(plain) ?? 0;
    used.set(plain, before + 1);
    const slug = before === 0 ? plain : `${plain}-${before}`;
    return { level, title, slug, text: `${lines.slice(at, end).join('\n').trimEnd()}\n` };
  });
}

/** The anchor of a heading, as GitHub generates it. */
function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation} -]/gu, '')
    .replaceAll(' ', '-');
}

function bareTitle(title: string): string {
  return title.replaceAll(/`|\*\*/g, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}
