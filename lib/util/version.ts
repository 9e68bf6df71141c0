/** The version of the package; a test holds it equal to package.json and deno.json, which cannot be read from everywhere we run. */
export const VERSION = '0.1.0';
