/** Shows what the engine reports during installation, start and stop: a live line with a bar, or plain lines. */
import { clearInterval, setInterval } from 'node:timers';
import type { EngineNotice } from '../lib/engine/mod.ts';
import { formatBytes, plainText, Screen, truncate } from '../lib/report/mod.ts';
import type { ParsedArgs } from './args.ts';
import type { Io } from './io.ts';
import { columnsOf, paletteFor } from './output.ts';

/** Shows notices until it is closed. */
export interface NoticeView {
  readonly notify: (notice: EngineNotice) => void;
  close(): void;
}

const BAR_WIDTH = 24;

/** In a log, one of the passing notices is shown after this time without another line. */
const QUIET_MS = 15_000;

/** On a terminal, the last notice of each part is updated in place and `done` ones remain. Elsewhere each change is a line. */
export function createNoticeView(args: ParsedArgs, io: Io): NoticeView {
  const { stderr } = io;
  const palette = paletteFor(args, io, stderr);
  const staying = (notice: EngineNotice): boolean => ['done', 'skipped'].includes(notice.step);
  const lineOf = (notice: EngineNotice): string => plainText(`${notice.part}: ${notice.text}`);
  if (stderr.isTTY !== true || io.env['TERM'] === 'dumb') {
    const last = new Map<string, string>();
    let shownMs = 0;
    return {
      notify: (notice) => {
        if (notice.isPassing === true && io.now() - shownMs < QUIET_MS) return;
        // A download reports progress many times a second with the same text.
        const key = `${notice.step} ${notice.text}`;
        if (last.get(notice.part) === key) return;
        if (notice.bytes !== undefined && last.get(notice.part)?.startsWith(`${notice.step} `) === true)
          return;
        last.set(notice.part, key);
        shownMs = io.now();
        stderr.write(`${lineOf(notice)}\n`);
      },
      close: () => {},
    };
  }
  const screen = new Screen(stderr);
  const moving = new Map<string, EngineNotice>();
  let stay: string[] = [];
  const draw = (): void => {
    const columns = columnsOf(stderr) - 1;
    screen.draw(
      stay,
      [...moving.values()].map((notice) => palette.info(truncate(lineOf(notice) + bar(notice), columns))),
    );
    stay = [];
  };
  const timer = setInterval(draw, 100);
  timer.unref();
  return {
    notify: (notice) => {
      if (staying(notice)) {
        moving.delete(notice.part);
        stay.push(`${notice.step === 'done' ? palette.good('✓') : palette.dim('-')} ${lineOf(notice)}`);
      } else moving.set(notice.part, notice);
    },
    close: () => {
      clearInterval(timer);
      draw();
      screen.close();
    },
  };
}

function bar({ bytes, totalBytes }: EngineNotice): string {
  if (bytes === undefined) return '';
  if (totalBytes === undefined || totalBytes <= 0) return ` ${formatBytes(bytes)}`;
  const filled = Math.round(Math.min(1, bytes / totalBytes) * BAR_WIDTH);
  return ` ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
}
