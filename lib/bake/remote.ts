/** Recognises contexts that are not directories: URLs and Git repositories (buildkit frontend/dockerfile/dfgitutil). */

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

/** Whether a text contains nothing that Go's net/url rejects. */
function isUrl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return !/[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})/.test(text);
}

/** Whether a context is not a path that could be relative to a file. */
export function isSpecialContext(path: string): boolean {
  return (
    ['cwd://', 'target:', 'docker-image:', 'oci-layout://'].some((prefix) => path.startsWith(prefix)) ||
    isRemote(path)
  );
}
