/** Runs again whenever something changed that builds depend on. */
export { type Round, watchBuilds, type WatchEnd, type WatchedSet, type WatchEvent, type WatchOptions } from './watch.ts';
