/** Whether a context is a remote address and not a path: `https://…`, `git@host:…`. */
export function isRemoteAddress(context: string): boolean {
  return /^[a-z+]+:\/\/|^git@/i.test(context);
}
