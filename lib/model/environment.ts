/** Variables by name, as `process.env` has them; absent and undefined are not set. */
export type Environment = Readonly<Record<string, string | undefined>>;
