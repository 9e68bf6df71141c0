/** The version of the package. A test compares it with package.json and deno.json, which cannot be read everywhere. */
export const VERSION = '0.1.0';
