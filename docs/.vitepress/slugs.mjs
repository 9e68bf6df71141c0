/** Anchors of headings as GitHub makes them. Plain JavaScript without dependencies: the site and the check of links use it. */

/**
 * The anchor of a heading: small letters, blanks as hyphens, without punctuation.
 * @param {string} title
 * @returns {string}
 */
export function slugOf(title) {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Anchors of one page: the second heading of the same text gets `-1`, the third `-2`.
 * @param {readonly string[]} slugs
 * @returns {string[]}
 */
export function uniqueSlugs(slugs) {
  const seen = new Set();
  return slugs.map((slug) => {
    let unique = slug;
    for (let count = 1; seen.has(unique); count += 1) unique = `${slug}-${count}`;
    seen.add(unique);
    return unique;
  });
}
