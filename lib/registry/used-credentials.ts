/**
 * What must not be shown of the credentials that a client knows: failing registries and proxies quote what they were sent,
 * and their words become ours.
 */
import { createHider, type Hider, type Problem } from '../model/mod.ts';
import type { Credentials } from './credentials.ts';

/** What programs go by in a problem. */
const KEPT: ReadonlySet<string> = new Set(['code', 'severity', 'build']);

/** The secrets of a client, which become more as it signs in. */
export class UsedCredentials {
  readonly #texts = new Set<string>();
  #hider: Hider | undefined;

  /** Takes credentials that may be sent. */
  add(own: Credentials): void {
    // As they go into a header: name and password, together in base64.
    if (own.kind === 'basic') this.addTexts([own.password, `${own.username}:${own.password}`]);
    else this.addTexts([own.token]);
  }

  /** Takes what is secret as it is: tokens, users of proxies. */
  addTexts(texts: readonly string[]): void {
    for (const text of texts) {
      if (text === '' || this.#texts.has(text)) continue;
      this.#texts.add(text);
      this.#hider = undefined;
    }
  }

  /** A text or a JSON document without any of them; what stands below the keys in `kept` is unchanged. */
  hide<T>(document: T, kept?: ReadonlySet<string>): T {
    if (this.#texts.size === 0) return document;
    this.#hider ??= createHider(new Map(), [...this.#texts]);
    return this.#hider.hide(document, kept);
  }

  /** A problem without any of them in its words. */
  hideIn({ span, related, ...words }: Problem): Problem {
    return {
      ...this.hide(words, KEPT),
      ...(span === undefined ? {} : { span }),
      ...(related === undefined ? {} : { related }),
    };
  }
}
