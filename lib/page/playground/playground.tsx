/** The page as a whole. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PlaceJson } from '../../model/problem.ts';
import { ThemeSwitch } from '../app/theme.tsx';
import { Editor } from './editor.tsx';
import { EXAMPLE } from './example.ts';
import { type Files, type Planned, planFiles } from './plan-files.ts';
import { PlanView } from './plan-view.tsx';
import { ProblemList } from './problem-list.tsx';

/** Wait after the last key press, so that half-typed words are not reported. */
const PAUSE_MS = 150;

/** Everything. */
export function Playground() {
  const [files, setFiles] = useState<Files>(EXAMPLE);
  const [current, setCurrent] = useState('builds.yaml');
  const [names, setNames] = useState('');
  const planned = usePlanned(files, names);
  const text = useRef<HTMLTextAreaElement>(null);
  const [goal, setGoal] = useState<PlaceJson | undefined>(undefined);
  useEffect(() => {
    if (goal !== undefined && text.current !== null) showPlace(text.current, goal);
    setGoal(undefined);
  }, [goal]);
  const goTo = (place: PlaceJson): void => {
    setCurrent(place.file);
    setGoal(place);
  };
  return (
    <div class="page">
      <header class="head">
        <div>
          <h1>bake-ts playground</h1>
          <p class="note">
            Edit a builds.yaml and its Dockerfiles, and see the plan. It is what <code>bake-ts plan</code>{' '}
            prints: the same code runs in this page, and nothing leaves it. A <code>docker-bake.hcl</code> or{' '}
            <code>compose.yaml</code> is read where there is no builds.yaml.
          </p>
        </div>
        <div class="head-tools">
          {isServed() ? <a href="./index.html">Documentation</a> : null}
          <ThemeSwitch />
        </div>
      </header>
      <main class="sides">
        <section aria-labelledby="files-title">
          <h2 id="files-title">Files</h2>
          <Editor
            files={files}
            current={current}
            text={text}
            setFiles={setFiles}
            setCurrent={setCurrent}
            reset={() => {
              setFiles(EXAMPLE);
              setCurrent('builds.yaml');
              setNames('');
            }}
          />
          <p class="names">
            <label for="names">Builds to plan</label>
            <input
              id="names"
              value={names}
              autocomplete="off"
              spellcheck={false}
              aria-describedby="names-note"
              onInput={(event) => setNames(event.currentTarget.value)}
            />
            <span class="note" id="names-note">
              Names, groups or patterns, such as <code>api-*</code>. Empty: the group <code>default</code>, or
              all.
            </span>
          </p>
        </section>
        <div>
          <ProblemList
            problems={planned?.problems}
            stopped={planned?.stopped}
            files={files}
            goTo={goTo}
            isServed={isServed()}
          />
          <PlanView made={planned?.made} />
        </div>
      </main>
    </div>
  );
}

/** The plan of the files; undefined until the first one is there. */
function usePlanned(files: Files, names: string): Planned | undefined {
  const [planned, setPlanned] = useState<Planned | undefined>(undefined);
  useEffect(() => {
    let isStale = false;
    const timer = setTimeout(async () => {
      const made = await planFiles(files, names.split(/[\s,]+/).filter(Boolean));
      if (!isStale) setPlanned(made);
    }, PAUSE_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [files, names]);
  return planned;
}

/** Puts the cursor on a place of the text, and the text in sight. */
function showPlace(text: HTMLTextAreaElement, { line, column, endLine, endColumn }: PlaceJson): void {
  const lines = text.value.split('\n');
  const offset = (row: number, at: number): number =>
    lines.slice(0, row - 1).reduce((sum, one) => sum + one.length + 1, 0) + at - 1;
  text.focus();
  text.setSelectionRange(offset(line, column), offset(endLine, endColumn));
  const height = Number.parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 5) * height);
  text.scrollIntoView({ block: 'nearest' });
}

/** Whether the documentation lies beside the page; a file that somebody saved stands alone. */
function isServed(): boolean {
  return location.protocol.startsWith('http');
}
