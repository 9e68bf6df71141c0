/** A process, told apart from any later one with the same number. */
export interface ProcessIdentity {
  /** Its number. */
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's (proc_pid_stat(5), field 22); 0 where nobody says (no Linux). */
  readonly startTicks: number;
  /** The kernel's id of this boot; `unknown` where it has none. */
  readonly bootId: string;
}

/** Whether what was read from a file is one; there may be more in it. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTicks, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  return Number.isInteger(pid) && Number.isInteger(startTicks) && typeof bootId === 'string';
}
