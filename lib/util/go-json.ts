/** JSON as Go writes it, for bytes that must equal those of a Go program. */

/** Go escapes these characters (encoding/json, HTMLEscape); in JSON they occur only in strings. */
export function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
