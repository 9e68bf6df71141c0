/** Identifies a process, so that it is not confused with a later one with the same number. */
export interface ProcessIdentity {
  /** Its number. */
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's (proc_pid_stat(5), field 22); 0 if not available (not Linux). */
  readonly startTicks: number;
  /** The kernel's id of this boot; `unknown` if it has none. */
  readonly bootId: string;
}

/** Whether a value read from a file is valid; further keys are allowed. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTicks, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  return Number.isInteger(pid) && Number.isInteger(startTicks) && typeof bootId === 'string';
}
