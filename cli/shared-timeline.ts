/** The timeline of one run, for all that is made of it: each keeps every step of every build otherwise. */
import type { Variable } from '../lib/model/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';

/** Gives the run as far as it has come. */
export type TimelineOf = () => RunTimeline;

/** A timeline that is made where somebody asks for it, once. */
export interface SharedTimeline {
  /** Asks for it; before the run begins. */
  readonly open: () => Promise<TimelineOf>;
  /** What reads the events for it; none where nobody asked. */
  readonly readers: () => readonly EventReader[];
}

/** The run that is read, as far as it is known before it begins. */
export interface ReadRun {
  readonly args: ParsedArgs;
  readonly io: Io;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly timeline: SharedTimeline;
}

/** The timeline of a run that has not begun. */
export function shareTimeline(): SharedTimeline {
  let opened: { readonly reader: EventReader; readonly timelineOf: TimelineOf } | undefined;
  return {
    open: async () => {
      const { createTimeline } = await import('../lib/timeline/mod.ts');
      opened ??= read(createTimeline());
      return opened.timelineOf;
    },
    readers: () => (opened === undefined ? [] : [opened.reader]),
  };
}

function read(maker: { readonly take: EventReader['onEvent']; readonly timeline: TimelineOf }) {
  let made: RunTimeline | undefined;
  const reader: EventReader = {
    name: 'the timeline of the run',
    onEvent: (event) => {
      made = undefined;
      maker.take(event);
    },
    close: async () => [],
  };
  const timelineOf = (): RunTimeline => {
    made ??= maker.timeline();
    return made;
  };
  return { reader, timelineOf };
}
