/** Escapes a text for a regular expression that finds exactly this text. Not for use within a character class. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
