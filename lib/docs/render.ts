/** Renders Markdown for a terminal. */
import { type Paint, type Palette, padEnd, widthOf } from '../report/mod.ts';
import { type Block, parseBlocks } from './blocks.ts';
import { type InlineStyle, parseInline } from './inline.ts';

/** Where a text is shown. */
export interface RenderStyle {
  readonly columns: number;
  readonly palette: Palette;
}

/** Longer lines of text are hard to read, however wide the terminal is. */
const WIDEST_TEXT = 100;
/** Maximum width of the first column of a table with two columns. */
const WIDEST_TERM = 32;
const CODE_INDENT = 4;

/** The lines of a text, each with a line break at its end. */
export function renderMarkdown(text: string, style: RenderStyle): string {
  return `${renderBlocks(parseBlocks(text), { ...style, columns: Math.max(20, style.columns) }).join('\n')}\n`;
}

function renderBlocks(blocks: readonly Block[], style: RenderStyle): readonly string[] {
  return blocks.flatMap((block, at) => [...(at === 0 ? [] : ['']), ...renderBlock(block, style)]);
}

function renderBlock(block: Block, style: RenderStyle): readonly string[] {
  switch (block.kind) {
    case 'heading':
      return renderHeading(block.level, block.text, style);
    case 'paragraph':
      return wrapText(block.text, Math.min(style.columns, WIDEST_TEXT), style.palette);
    case 'code':
      return block.lines.map((line) => (line === '' ? '' : ' '.repeat(CODE_INDENT) + line));
    case 'list':
      return block.items.flatMap(({ mark, blocks }) => {
        const depth = mark.length + 1;
        const lines = renderBlocks(blocks, {
          ...style,
          columns: Math.min(style.columns, WIDEST_TEXT) - depth,
        });
        return lines.map((line, at) =>
          at === 0 ? `${mark} ${line}` : line === '' ? '' : ' '.repeat(depth) + line,
        );
      });
    case 'quote':
      return renderBlocks(block.blocks, { ...style, columns: style.columns - 2 }).map(
        (line) => `${style.palette.dim('│')} ${line}`,
      );
    case 'table':
      return renderTable(block.head, block.rows, style);
  }
}

/** Bold if supported; otherwise with its Markdown markers, to distinguish it from text. */
function renderHeading(level: number, text: string, { palette }: RenderStyle): readonly string[] {
  const bare = bareText(text);
  return [isPlain(palette) ? `${'#'.repeat(level)} ${bare}` : palette.bold(bare)];
}

/**
 * Columns side by side if they fit. Otherwise a table with two columns becomes a list of terms with their texts beside
 * them, and in one with more columns each row becomes a paragraph.
 */
function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: RenderStyle,
): readonly string[] {
  const { columns, palette } = style;
  const flat = (text: string): string => wrapText(text, Number.POSITIVE_INFINITY, palette)[0] ?? '';
  const widths = head.map((title, at) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(flat(row[at] ?? '')))),
  );
  const hasHead = head.some((title) => title !== '');
  const first = widths[0] ?? 0;
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  if (total <= columns || (head.length === 2 && first <= WIDEST_TERM && columns - first >= 40)) {
    const last = columns - widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
    const line = (cells: readonly string[]): readonly string[] => {
      const lead = cells.slice(0, -1).map((cell, at) => padEnd(flat(cell), widths[at] ?? 0));
      const text = wrapText(cells.at(-1) ?? '', Math.min(last, WIDEST_TEXT), palette);
      const margin = ' '.repeat(columns - last);
      return text.map((one, at) => (at === 0 ? [...lead, one].join('  ') : margin + one).trimEnd());
    };
    return [
      ...(hasHead ? [palette.dim(padCells(head, widths))] : []),
      ...rows.flatMap((row) => line(head.map((_title, at) => row[at] ?? ''))),
    ];
  }
  return rows.flatMap((row, index) => {
    const [term = '', ...others] = row;
    const width = Math.min(columns, WIDEST_TEXT) - 4;
    const texts = others.flatMap((cell, at) => {
      if (cell === '') return [];
      const title = head.length > 2 ? (head[at + 1] ?? '') : '';
      return wrapText(title === '' ? cell : `${title}: ${cell}`, width, palette).map((line) => `    ${line}`);
    });
    return [...(index === 0 ? [] : ['']), ...wrapText(term, columns, palette), ...texts];
  });
}

function padCells(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, at) => padEnd(bareText(cell), widths[at] ?? 0))
    .join('  ')
    .trimEnd();
}

function bareText(text: string): string {
  return parseInline(text)
    .map((piece) => piece.text)
    .join('');
}

/** Wraps text at spaces and keeps its styles. Words that are longer than a line are not split. */
function wrapText(text: string, width: number, palette: Palette): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of wordsOf(text, palette)) {
    const size = widthOf(word);
    if (used > 0 && used + 1 + size > width) {
      lines.push(line);
      line = word;
      used = size;
    } else {
      line = used === 0 ? word : `${line} ${word}`;
      used += used === 0 ? size : size + 1;
    }
  }
  return [...lines, line];
}

/** The styled words of a text; a word may have several styles. */
function wordsOf(text: string, palette: Palette): readonly string[] {
  const words: string[] = [];
  let open = false;
  for (const piece of parseInline(text)) {
    const paint = paintOf(piece.style, palette);
    const shown = piece.style === 'code' && isPlain(palette) ? `\`${piece.text}\`` : piece.text;
    for (const [at, part] of shown.split(/\s+/).entries()) {
      if (at > 0) open = false;
      if (part === '') continue;
      if (open) words[words.length - 1] += paint(part);
      else words.push(paint(part));
      open = true;
    }
  }
  return words;
}

function paintOf(style: InlineStyle, palette: Palette): Paint {
  switch (style) {
    case 'code':
      return palette.info;
    case 'bold':
    case 'emphasis':
      return palette.bold;
    case 'address':
      return palette.dim;
    default:
      return (text) => text;
  }
}

function isPlain(palette: Palette): boolean {
  return palette.bold('x') === 'x';
}
