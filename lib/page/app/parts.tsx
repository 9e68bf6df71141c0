/** Small parts that several views use. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlaceJson, ProblemJson } from '../../model/problem.ts';
import { AnsiText } from './ansi.tsx';
import { MARKS, type Result, type Row } from './model.ts';
import { useView } from './state.ts';

/** A result in its colour, with its mark. */
export function ResultBadge({ result }: { readonly result: Result }) {
  return (
    <span class={`badge ${result}`}>
      <span class="mark" aria-hidden="true">
        {MARKS[result]}
      </span>
      {result}
    </span>
  );
}

/** The name of a build, which opens its details. */
export function BuildLink({ row }: { readonly row: Row }) {
  const view = useView();
  return (
    <button type="button" class={`build-link ${row.result}`} onClick={() => view.setOpen(row)}>
      <span class="mark" aria-hidden="true">
        {MARKS[row.result]}
      </span>
      <bdi>{row.name}</bdi>
    </button>
  );
}

/** Text to copy, such as a command, with a copy button. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <span class="copyable">
      <code>{text}</code>
      <button
        type="button"
        aria-label={`Copy ${label}`}
        onClick={async () => {
          setCopied(await copyText(text));
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => setCopied(false), 2000);
        }}
      >
        {copied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard API is not allowed everywhere that a file can be opened; this older way is.
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}

/** `file:line:column` */
export function formatPlace({ file, line, column }: PlaceJson): string {
  return `${file}:${line}:${column}`;
}

/** A problem with its place, details and hint. */
export function ProblemView({ found, detail }: { readonly found: ProblemJson; readonly detail?: boolean }) {
  return (
    <div class={`problem ${found.severity}`}>
      <p class="message">{found.message}</p>
      {detail === false || found.detail === undefined ? null : (
        <LogBox text={found.detail} label="Detail" toEnd />
      )}
      {(found.related ?? []).map((one, at) => (
        <p key={at} class="related">
          {one.message}
          {one.place === undefined ? null : <code class="place">{formatPlace(one.place)}</code>}
        </p>
      ))}
      {found.hint === undefined ? null : <p class="hint">{found.hint}</p>}
      <p class="marks">
        <code>{found.code}</code>
        {found.place === undefined ? null : <code class="place">{formatPlace(found.place)}</code>}
      </p>
    </div>
  );
}

interface LogBoxProps {
  readonly text: string;
  readonly label: string;
  /** Whether to scroll to the end at first. */
  readonly toEnd: boolean;
}

/** Text as a terminal shows it. */
export function LogBox({ text, label, toEnd }: LogBoxProps) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!toEnd || element === null) return;
    // Heights of unseen parts are estimates, so one jump may not reach the end.
    const jump = (): void => element.scrollTo({ top: element.scrollHeight });
    jump();
    const frame = requestAnimationFrame(jump);
    const folder = element.closest('details');
    folder?.addEventListener('toggle', jump);
    return () => {
      cancelAnimationFrame(frame);
      folder?.removeEventListener('toggle', jump);
    };
  }, [toEnd]);
  return (
    <pre class="log" ref={box} tabIndex={0} role="region" aria-label={label}>
      <AnsiText text={text} />
    </pre>
  );
}

/** A name and its value. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
