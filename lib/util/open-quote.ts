/** Start of the quoted text that is still open at `at`: the last line with an odd number of quotes; -1: none. */
export function openingOf(text: string, quote: string, at: number): number {
  for (let end = at; end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(start, end);
    if (line.split(quote).length % 2 === 0) return start + line.lastIndexOf(quote);
    end = start - 1;
  }
  return -1;
}
