/** JSON as Go writes it, for bytes that must be those of a program in Go. */

/** Go writes these as escapes (encoding/json, HTMLEscape); outside of texts JSON has none of them. */
export function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
