/** The files: which there are, and the text of one. */
import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { normalize } from './browser/path.ts';
import type { Files } from './plan-files.ts';

interface EditorProps {
  readonly files: Files;
  readonly current: string;
  readonly text: RefObject<HTMLTextAreaElement | null>;
  readonly setFiles: (files: Files) => void;
  readonly setCurrent: (file: string) => void;
  readonly reset: () => void;
}

/** The list, the text, and what can be done with them. */
export function Editor({ files, current, text, setFiles, setCurrent, reset }: EditorProps) {
  const remove = (): void => {
    const left = new Map([...files].filter(([file]) => file !== current));
    setFiles(left);
    setCurrent([...left.keys()][0] ?? '');
  };
  const add = (file: string): void => {
    if (!files.has(file)) setFiles(new Map([...files, [file, '']]));
    setCurrent(file);
  };
  return (
    <>
      <ul class="files" aria-labelledby="files-title">
        {[...files.keys()].map((file) => (
          <li key={file}>
            <button
              type="button"
              aria-current={file === current ? 'true' : undefined}
              onClick={() => setCurrent(file)}
            >
              {file}
            </button>
          </li>
        ))}
      </ul>
      <label class="only-read" for="text">
        Text of {current}
      </label>
      <textarea
        id="text"
        ref={text}
        value={files.get(current) ?? ''}
        disabled={!files.has(current)}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        wrap="off"
        onInput={(event) => setFiles(new Map([...files, [current, event.currentTarget.value]]))}
      />
      <div class="file-tools">
        <NewFile add={add} />
        <button type="button" onClick={remove} disabled={!files.has(current)}>
          Remove {current}
        </button>
        <button type="button" onClick={reset}>
          Back to the example
        </button>
      </div>
    </>
  );
}

function NewFile({ add }: { readonly add: (file: string) => void }) {
  const [name, setName] = useState('');
  return (
    <form
      class="new-file"
      onSubmit={(event) => {
        event.preventDefault();
        // Nothing lies above the repository.
        const file = normalize(`/${name.trim()}`).slice(1).replace(/\/$/, '');
        if (file === '') return;
        add(file);
        setName('');
      }}
    >
      <label for="new-file">New file</label>
      <input
        id="new-file"
        value={name}
        placeholder="images/app/Dockerfile"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit">Add</button>
    </form>
  );
}
