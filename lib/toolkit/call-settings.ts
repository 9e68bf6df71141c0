/** Common settings of calls that may take a while. */
import type { KnownOptions } from '../util/check-options.ts';

/** Options of calls that may take a while. */
export interface CallSettings {
  /** Address of an engine, or several for a pool; no other is used. Default: the engine that is found. */
  readonly address?: string | readonly string[];
  /** Stops the call. */
  readonly signal?: AbortSignal;
}

/** The options of {@link CallSettings}, for the checks of calls. */
export const CALL_SETTINGS: KnownOptions<CallSettings> = { address: 'text or texts', signal: 'signal' };

/** Picks these settings. */
export function callSettingsOf({ address, signal }: CallSettings): CallSettings {
  return { ...(address === undefined ? {} : { address }), ...(signal === undefined ? {} : { signal }) };
}
