/** Codes of the characters that mean something to YAML, and kinds of characters. */

export const TAB = 9;
export const LINE_FEED = 10;
export const CARRIAGE_RETURN = 13;
export const SPACE = 32;
export const EXCLAMATION = 33;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const DOLLAR = 36;
export const PERCENT = 37;
export const AMPERSAND = 38;
export const SINGLE_QUOTE = 39;
export const ASTERISK = 42;
export const COMMA = 44;
export const DASH = 45;
export const DOT = 46;
export const COLON = 58;
export const GREATER = 62;
export const QUESTION = 63;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const LOWER_A = 97;
export const LOWER_Z = 122;
export const OPEN_BRACE = 123;
export const PIPE = 124;
export const CLOSE_BRACE = 125;
export const BYTE_ORDER_MARK = 0xfeff;

/** A space or a tab, or a line break. */
export function isWhite(code: number): boolean {
  return code === SPACE || code === TAB || code === LINE_FEED;
}

/** What separates an indicator from what follows; the end of the text does so, too. */
export function isBlank(code: number): boolean {
  return isWhite(code) || code === CARRIAGE_RETURN || Number.isNaN(code);
}

/** Space around a plain scalar, line breaks included. A lone carriage return is a letter. */
export function isSpaceBetween(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isWhite(code) || (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED);
}

/** What ends a plain scalar inside of a flow collection. */
export function isFlowMark(code: number): boolean {
  return (
    code === COMMA ||
    code === OPEN_BRACKET ||
    code === CLOSE_BRACKET ||
    code === OPEN_BRACE ||
    code === CLOSE_BRACE
  );
}
