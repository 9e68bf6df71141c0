/** Filters builds by words in their names and reasons, and by results. */
import { MARKS, RESULTS } from './model.ts';
import { useView } from './state.ts';

/** The text field, and the results with their counts. */
export function Filter() {
  const view = useView();
  const present = RESULTS.filter((one) => view.model.counts.has(one));
  return (
    <search class="filter">
      <input
        id="filter"
        type="search"
        placeholder="Filter builds"
        aria-label="Filter builds by name or reason"
        aria-keyshortcuts="/"
        value={view.query}
        onInput={(event) => view.setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            view.setQuery('');
            event.currentTarget.blur();
          }
        }}
      />
      {present.length > 1 ? (
        <div class="chips" role="group" aria-label="Filter by result">
          {present.map((result) => (
            <button
              type="button"
              key={result}
              class={`chip ${result}`}
              aria-pressed={view.results.has(result)}
              onClick={() => view.toggleResult(result)}
            >
              <span class="mark" aria-hidden="true">
                {MARKS[result]}
              </span>
              {result} <b>{view.model.counts.get(result)}</b>
            </button>
          ))}
        </div>
      ) : null}
    </search>
  );
}
