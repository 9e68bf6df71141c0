/**
 * Characters that control a terminal, and those that reorder or hide surrounding text ("Trojan Source",
 * CVE-2021-42574).
 */

/** Any of them. */
export const CONTROL: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g;

/** Characters that bake-ts never writes in text. */
const UNWRITTEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g;

/** True if a text contains such a character; line breaks and tabs do not count here. */
export function hasControls(text: string): boolean {
  return text.search(UNWRITTEN) !== -1;
}

/** Escapes such characters in JSON, which keeps its meaning. */
export function escapeControls(json: string): string {
  const written = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(UNWRITTEN, (one) => one.split('').map(written).join(''));
}

/** The same for YAML that has such characters only in double quotes; YAML has no surrogate pairs. */
export function escapeControlsInYaml(yaml: string): string {
  return yaml.replace(UNWRITTEN, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
