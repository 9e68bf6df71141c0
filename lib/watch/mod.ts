/** Runs again whenever something changes that builds depend on. */
export {
  type Round,
  type WatchEnd,
  type WatchEvent,
  type WatchedSet,
  type WatchOptions,
  watchBuilds,
} from './watch.ts';
