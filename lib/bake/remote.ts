/** Which contexts are no directories: URLs and references to Git repositories (buildkit frontend/dockerfile/dfgitutil). */

/** Whether it is downloaded or cloned. */
export function isRemote(path: string): boolean {
  if (path.startsWith('http://') || path.startsWith('https://')) return true;
  if (path.startsWith('./') || path.startsWith('../')) return false;
  if (path.startsWith('github.com/')) return isUrl(path);
  const protocol = /^([a-zA-Z0-9]+):\/\//.exec(path)?.[1]?.toLowerCase();
  if (protocol === 'git' || protocol === 'ssh') return isUrl(path);
  if (protocol === 'http' || protocol === 'https')
    return isUrl(path) && path.replace(/[?#].*$/s, '').endsWith('.git');
  return protocol === undefined && /^[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:[^\n]*$/.test(path);
}

/** Without what no URL of Go's net/url may hold. */
function isUrl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return !/[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})/.test(text);
}

/** Whether a context is something else than a path that a file may name relative to itself. */
export function isSpecialContext(path: string): boolean {
  return (
    ['cwd://', 'target:', 'docker-image:', 'oci-layout://'].some((prefix) => path.startsWith(prefix)) ||
    isRemote(path)
  );
}
