/** Whether a context is the address of something elsewhere, and no path: `https://…`, `git@host:…`. */
export function isRemoteAddress(context: string): boolean {
  return /^[a-z+]+:\/\/|^git@/i.test(context);
}
