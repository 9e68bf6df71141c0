/** `npm run build`: dist/, compiled and with the command line bundled. */
import { build } from './support.mjs';

await build();
