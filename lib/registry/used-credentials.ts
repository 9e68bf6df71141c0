/**
 * Hides the credentials that a client knows: failing registries and proxies may quote requests, and their messages appear in
 * ours.
 */
import { createHider, type Hider, type Problem } from '../model/mod.ts';
import type { Credentials } from './credentials.ts';

/** Fields of a problem that programs read; they are unchanged. */
const KEPT: ReadonlySet<string> = new Set(['code', 'severity', 'build']);

/** The secrets of a client, which are added as it authenticates. */
export class UsedCredentials {
  readonly #texts = new Set<string>();
  #hider: Hider | undefined;

  /** Adds credentials that may be sent. */
  add(own: Credentials): void {
    // As in a header: name and password, also together in base64.
    if (own.kind === 'basic') this.addTexts([own.password, `${own.username}:${own.password}`]);
    else this.addTexts([own.token]);
  }

  /** Adds secret texts: tokens, users of proxies. */
  addTexts(texts: readonly string[]): void {
    for (const text of texts) {
      if (text === '' || this.#texts.has(text)) continue;
      this.#texts.add(text);
      this.#hider = undefined;
    }
  }

  /** Removes the secrets from a text or a JSON document; values of the keys in `kept` are unchanged. */
  hide<T>(document: T, kept?: ReadonlySet<string>): T {
    if (this.#texts.size === 0) return document;
    this.#hider ??= createHider(new Map(), [...this.#texts]);
    return this.#hider.hide(document, kept);
  }

  /** Removes the secrets from a problem's texts. */
  hideIn({ span, related, ...words }: Problem): Problem {
    return {
      ...this.hide(words, KEPT),
      ...(span === undefined ? {} : { span }),
      ...(related === undefined ? {} : { related }),
    };
  }
}
