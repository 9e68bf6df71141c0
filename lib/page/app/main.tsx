/** The report page in the browser. It reads the embedded JSON and makes no requests. */
import { render } from 'preact';
import type { PageData } from '../page-data.ts';
import { App } from './app.tsx';
import { makeModel } from './model.ts';

const place = document.getElementById('app');
const json = document.getElementById('run')?.textContent;
if (place !== null && json) {
  const model = makeModel(JSON.parse(json) as PageData);
  place.replaceChildren();
  render(<App model={model} />, place);
}
