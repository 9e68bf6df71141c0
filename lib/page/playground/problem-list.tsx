/** What is wrong with the files, each with its place and what to do about it. */
import type { PlaceJson, ProblemJson } from '../../model/problem.ts';
import { plural } from '../app/format.ts';
import type { Files } from './plan-files.ts';

interface ProblemListProps {
  /** Undefined: not known yet. */
  readonly problems: readonly ProblemJson[] | undefined;
  readonly stopped: string | undefined;
  readonly files: Files;
  readonly goTo: (place: PlaceJson) => void;
  /** The pages of problem codes lie beside this one. */
  readonly isServed: boolean;
}

/** The list, and how many there are. */
export function ProblemList({ problems, stopped, files, goTo, isServed }: ProblemListProps) {
  return (
    <section aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      <p role="status" class="note" id="problem-count">
        {problems === undefined
          ? 'Planning …'
          : stopped === undefined
            ? describe(problems)
            : `The playground cannot plan this: ${stopped}`}
      </p>
      <ul class="problems">
        {(problems ?? []).map((one) => (
          <li key={`${one.code} ${one.place?.line} ${one.message}`} class={one.severity}>
            <p>
              <b>{one.severity}</b>{' '}
              {isServed ? (
                <a href={`./failures/${one.code.split('/')[0]}.html#${one.code.replace('/', '')}`}>
                  {one.code}
                </a>
              ) : (
                <code>{one.code}</code>
              )}{' '}
              {one.place === undefined ? null : <Place place={one.place} files={files} goTo={goTo} />}
            </p>
            <p>{one.message}</p>
            {one.hint === undefined ? null : <p class="note">{one.hint}</p>}
            {(one.related ?? []).map(({ message, place }) => (
              <p class="note" key={message}>
                {message} {place === undefined ? null : <Place place={place} files={files} goTo={goTo} />}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

function describe(problems: readonly ProblemJson[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const parts = [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ];
  return parts.length === 0 ? 'None' : parts.join(', ');
}

interface PlaceProps {
  readonly place: PlaceJson;
  readonly files: Files;
  readonly goTo: (place: PlaceJson) => void;
}

/** A place, which leads to it where it is in one of the files. */
function Place({ place, files, goTo }: PlaceProps) {
  const name = `${place.file}:${place.line}:${place.column}`;
  if (!files.has(place.file)) return <span class="note">{name}</span>;
  return (
    <button type="button" class="place" onClick={() => goTo(place)}>
      {name}
    </button>
  );
}
