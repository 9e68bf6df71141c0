/** `builds.lock`: reading and writing it, and keeping it up to date. */

export {
  checkLock,
  compareLock,
  type Locked,
  type LockedImage,
  type LockOptions,
  lockImages,
  type UpdatedImage,
  updateLock,
  warnOfUnlocked,
} from './lock.ts';
export { formatLock, LOCK_NAME, type Lock, type LockedRef, parseLock, readLock } from './lock-file.ts';
