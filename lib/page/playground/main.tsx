/** The playground in the browser: files on one side, what bake-ts makes of them on the other. Nothing leaves the page. */
import { render } from 'preact';
import { Playground } from './playground.tsx';

const place = document.getElementById('app');
if (place !== null) {
  place.replaceChildren();
  render(<Playground />, place);
}
