/**
 * Readers of the events of a run, besides the reporter: they make files and records. None of them can end a run. A
 * reader that fails gets no more events, and its failure becomes a warning at the end.
 */
import { type BakeEvent, type EventSink, type Problem, problem } from '../lib/model/mod.ts';

/** Reads the events of one run. */
export interface EventReader {
  /** What it makes, for messages: `the report page`. */
  readonly name: string;
  readonly onEvent: EventSink;
  /** Writes out what it has, before the process ends at once. */
  readonly flush?: () => void;
  /** Ends its work, however the run ended; returns what failed. */
  readonly close: () => Promise<readonly Problem[]>;
}

/** Several readers as one. */
export interface EventReaders {
  readonly onEvent: EventSink;
  /** For a process that ends at once. */
  readonly flush: () => void;
  /** Closes all readers, once; returns everything that failed. */
  readonly close: () => Promise<readonly Problem[]>;
}

/** Passes each event to every reader that has not failed. */
export function joinReaders(readers: readonly EventReader[]): EventReaders {
  const open = new Set(readers);
  const faults: Problem[] = [];
  const attempt = <T>(reader: EventReader, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      open.delete(reader);
      faults.push(readerProblem(reader, error));
      return undefined;
    }
  };
  return {
    onEvent: (event: BakeEvent) => {
      for (const reader of open) attempt(reader, () => reader.onEvent(event));
    },
    flush: () => {
      for (const reader of open) attempt(reader, () => reader.flush?.());
    },
    close: async () => {
      const closing = [...open].map(async (reader) => {
        try {
          return await reader.close();
        } catch (error) {
          return [readerProblem(reader, error)];
        }
      });
      open.clear();
      return [...faults.splice(0), ...(await Promise.all(closing)).flat()];
    },
  };
}

function readerProblem({ name }: EventReader, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return problem('run/reader-failed', `${name} could not be written (${why})`, { severity: 'warning' });
}
