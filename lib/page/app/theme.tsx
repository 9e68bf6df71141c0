/** Dark or light: as in the system, or as the reader chooses. */
import { useLayoutEffect, useState } from 'preact/hooks';

type Theme = 'auto' | 'light' | 'dark';
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' };
const KEY = 'bake-ts-theme';

/** Fires when colours change, so that canvases are painted again. */
export const themeChanged: EventTarget = new EventTarget();

/** The button that cycles through the three settings. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(readTheme);
  useLayoutEffect(() => {
    document.documentElement.dataset['theme'] = theme;
    themeChanged.dispatchEvent(new Event('change'));
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Not every browser lets a local file store data.
    }
  }, [theme]);
  useLayoutEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const onChange = (): boolean => themeChanged.dispatchEvent(new Event('change'));
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return (
    <button
      type="button"
      class="theme"
      onClick={() => setTheme(NEXT[theme])}
      title="Colours: system, light or dark"
    >
      <span aria-hidden="true">{{ auto: '◐', light: '☀', dark: '☾' }[theme]}</span> {theme}
      <span class="only-read"> colours; change</span>
    </button>
  );
}

function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'auto';
  } catch {
    return 'auto';
  }
}
