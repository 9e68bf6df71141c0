/**
 * Splits a Markdown page into blocks, as far as the pages of docs/ need it; a test compares the result with a full
 * parser.
 */

/** A block of a page. */
export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'code'; readonly lines: readonly string[] }
  | { readonly kind: 'list'; readonly items: readonly ListItem[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    };

/** An entry of a list. */
export interface ListItem {
  /** Its marker: `-`, `1.`. */
  readonly mark: string;
  readonly blocks: readonly Block[];
}

const FENCE = /^( *)(`{3,}|~{3,})/;
const HEADING = /^(#{1,6}) +(.*?) *#*$/;
const ITEM = /^( *)([-*+]|\d+[.)])( +)(\S.*)$/;
const RULE = /^ *\|?(?: *:?-+:? *\|)+ *(?::?-+:? *)?$/;
const BEGINS_BLOCK = [FENCE, HEADING, ITEM, /^ *>/, /^ *\|/];

/** The blocks of a text. Comments are left out. */
export function parseBlocks(text: string): readonly Block[] {
  const lines = text.replaceAll(/<!--[\s\S]*?-->/g, '').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') {
      at += 1;
      continue;
    }
    const [block, next] = readBlock(lines, at, line);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

/** The block that begins at a line, and the index of the line after it. */
function readBlock(lines: readonly string[], at: number, line: string): readonly [Block, number] {
  const [, indent = '', fence] = FENCE.exec(line) ?? [];
  if (fence !== undefined) {
    const end = findIndexFrom(lines, at + 1, (one) => one.trim().startsWith(fence));
    const code = lines.slice(at + 1, end).map((one) => withoutIndent(one, indent.length));
    return [{ kind: 'code', lines: code }, end + 1];
  }
  const [, marks, title] = HEADING.exec(line) ?? [];
  if (marks !== undefined && title !== undefined)
    return [{ kind: 'heading', level: marks.length, text: title }, at + 1];
  if (line.includes('|') && RULE.test(lines[at + 1] ?? '')) {
    const end = findIndexFrom(lines, at + 2, (one) => !one.includes('|'));
    const rows = lines.slice(at + 2, end).map(cellsOf);
    return [{ kind: 'table', head: cellsOf(line), rows }, end];
  }
  if (/^ *>/.test(line)) {
    const end = findIndexFrom(lines, at, (one) => !/^ *>/.test(one));
    const inside = lines.slice(at, end).map((one) => one.replace(/^ *> ?/, ''));
    return [{ kind: 'quote', blocks: parseBlocks(inside.join('\n')) }, end];
  }
  if (ITEM.test(line)) return readList(lines, at);
  const end = findIndexFrom(
    lines,
    at + 1,
    (one) => one.trim() === '' || BEGINS_BLOCK.some((pattern) => pattern.test(one)),
  );
  const paragraph = lines.slice(at, end).map((one) => one.trim());
  return [{ kind: 'paragraph', text: paragraph.join(' ') }, end];
}

/** A list continues over blank lines while further entries, or lines with the indentation of their text, follow. */
function readList(lines: readonly string[], from: number): readonly [Block, number] {
  const items: ListItem[] = [];
  const margin = /^ */.exec(lines[from] ?? '')?.[0].length ?? 0;
  let at = from;
  while (at < lines.length) {
    const [, indent = '', mark, blanks = '', text = ''] = ITEM.exec(lines[at] ?? '') ?? [];
    if (mark === undefined || indent.length !== margin) break;
    const depth = indent.length + mark.length + blanks.length;
    const inside = [text];
    at += 1;
    while (at < lines.length) {
      const line = lines[at] ?? '';
      const isIndented = /^ */.exec(line)?.[0].length ?? 0;
      if (line.trim() === '') {
        const next = lines[findIndexFrom(lines, at, (one) => one.trim() !== '')];
        if (next?.startsWith(' '.repeat(depth)) !== true) break;
      } else if (isIndented < depth && (inside.at(-1) === '' || BEGINS_BLOCK.some((one) => one.test(line)))) {
        break;
      }
      inside.push(withoutIndent(line, depth));
      at += 1;
    }
    items.push({ mark, blocks: parseBlocks(inside.join('\n')) });
    const next = findIndexFrom(lines, at, (one) => one.trim() !== '');
    const found = ITEM.exec(lines[next] ?? '');
    if (found?.[1]?.length === margin) at = next;
  }
  return [{ kind: 'list', items }, at];
}

function cellsOf(line: string): readonly string[] {
  const cells = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
    .split(/(?<!\\)\|/);
  return cells.map((one) => one.trim().replaceAll('\\|', '|'));
}

function withoutIndent(line: string, width: number): string {
  return line.slice(Math.min(width, /^ */.exec(line)?.[0].length ?? 0));
}

/** The first index from which a condition holds, or the end. */
function findIndexFrom(lines: readonly string[], from: number, holds: (line: string) => boolean): number {
  for (let at = from; at < lines.length; at += 1) if (holds(lines[at] ?? '')) return at;
  return lines.length;
}
