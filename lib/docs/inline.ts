/** The inline elements of Markdown: code, emphasis, links. */

/** How a piece of text is displayed. */
export type InlineStyle = 'plain' | 'code' | 'bold' | 'emphasis' | 'address';

/** A piece of text. */
export interface Inline {
  readonly style: InlineStyle;
  readonly text: string;
}

const TOKEN = new RegExp(
  [
    '(?<ticks>`+)(?<code>(?:(?!\\k<ticks>)[\\s\\S]|`)*?[^`])\\k<ticks>(?!`)',
    '!?\\[(?<label>(?:\\\\.|`[^`]*`|[^\\]\\\\`])*)\\]\\((?<target>[^()\\s]*(?:\\([^()\\s]*\\)[^()\\s]*)*)\\)',
    '\\*\\*(?<bold>(?:`[^`]*`|[^`*]|\\*(?!\\*))+)\\*\\*',
    '\\*(?<emphasis>[^\\s*`](?:`[^`]*`|[^`*])*?)\\*',
    '<(?<address>https?:[^>\\s]+)>',
    '\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+.!|<>~-])',
  ].join('|'),
  'g',
);

/** The pieces of a text. The URL of a link is shown if it leads out of the documentation. */
export function parseInline(text: string, style: InlineStyle = 'plain'): readonly Inline[] {
  const pieces: Inline[] = [];
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    if (found.index > from) pieces.push({ style, text: text.slice(from, found.index) });
    from = found.index + found[0].length;
    pieces.push(...piecesOf(found.groups ?? {}, style));
  }
  if (from < text.length) pieces.push({ style, text: text.slice(from) });
  return pieces;
}

function piecesOf(
  groups: Readonly<Record<string, string | undefined>>,
  style: InlineStyle,
): readonly Inline[] {
  const { code, label, target, bold, emphasis, address, escaped } = groups;
  if (code !== undefined) return [{ style: 'code', text: code.replace(/^ (.*) $/, '$1') }];
  if (label !== undefined) {
    const isOutside = target !== undefined && /^https?:/.test(target) && target !== label;
    return [
      ...parseInline(label, style),
      ...(isOutside ? [{ style: 'address' as const, text: ` (${target})` }] : []),
    ];
  }
  if (bold !== undefined) return parseInline(bold, 'bold');
  if (emphasis !== undefined) return parseInline(emphasis, 'emphasis');
  if (address !== undefined) return [{ style: 'address', text: address }];
  return [{ style, text: escaped ?? '' }];
}

/** Targets of all links in a text, in order. */
export function linksIn(text: string): readonly string[] {
  return [...text.matchAll(TOKEN)].flatMap(({ groups = {} }) => {
    const { target, bold, emphasis } = groups;
    if (target !== undefined) return [target];
    return linksIn(bold ?? emphasis ?? '');
  });
}
