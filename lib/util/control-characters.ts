/**
 * Characters that terminals obey instead of showing, and those that reorder or hide the text around them ("Trojan
 * Source", CVE-2021-42574).
 */

/** Any of them. */
export const CONTROL: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g;

/** Those that no text of bake-ts holds. */
const UNWRITTEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g;

/** True where a text holds such a character; line breaks and tabs are none here. */
export function hasControls(text: string): boolean {
  return text.search(UNWRITTEN) !== -1;
}

/** JSON with escapes instead of such characters: it means the same. */
export function escapeControls(json: string): string {
  const written = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(UNWRITTEN, (one) => one.split('').map(written).join(''));
}

/** The same for YAML whose texts with such characters stand in double quotes; it has no pairs of surrogates. */
export function escapeControlsInYaml(yaml: string): string {
  return yaml.replace(UNWRITTEN, (one) => {
    const code = one.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
