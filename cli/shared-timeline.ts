/** The timeline of a run, shared by everything that is made from it, because each one stores all steps of all builds. */
import type { Variable } from '../lib/model/mod.ts';
import type { RunTimeline } from '../lib/timeline/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { EventReader } from './event-readers.ts';
import type { Io } from './io.ts';

/** Returns the run as far as it has progressed. */
export type TimelineOf = () => RunTimeline;

/** A timeline that is created once, on request. */
export interface SharedTimeline {
  /** Requests the timeline; before the run starts. */
  readonly open: () => Promise<TimelineOf>;
  /** The readers that feed it; none if nobody requested it. */
  readonly readers: () => readonly EventReader[];
}

/** What is known about a run before it starts. */
export interface ReadRun {
  readonly args: ParsedArgs;
  readonly io: Io;
  readonly variables: ReadonlyMap<string, Variable>;
  readonly timeline: SharedTimeline;
}

/** The timeline of a run that has not started. */
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
