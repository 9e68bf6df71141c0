/** A registry of npm packages that has one, packed just now; for all others it points to the registry that is configured. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { listenOnLoopback } from './listen.ts';
import type { Cleanup } from './temp.ts';

/** Serves a tarball of `npm pack`; gives the address of the registry. `upstream`: the one for everything else. */
export async function startNpmRegistry(t: Cleanup, tarball: string, upstream: string): Promise<string> {
  const bytes = await readFile(tarball);
  const manifest = readManifest(gunzipSync(bytes));
  const { name, version } = manifest;
  const path = `/${name}/-/${name}-${version}.tgz`;
  let address = '';
  const server = createServer((request, response) => {
    if (request.url === path) response.end(bytes);
    else if (request.url === `/${name}`) {
      const dist = {
        tarball: `${address}${path}`,
        integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
        shasum: createHash('sha1').update(bytes).digest('hex'),
      };
      const packument = {
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...manifest, dist } },
        time: { [version]: '2020-01-01T00:00:00.000Z' },
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(packument));
    } else {
      response.writeHead(302, { location: new URL(request.url ?? '/', upstream).href }).end();
    }
  });
  address = `http://127.0.0.1:${await listenOnLoopback(t, server)}`;
  return address;
}

/** package.json of a tar archive as npm packs it: the file's own header and then its text. */
function readManifest(tar: Uint8Array): { readonly name: string; readonly version: string } {
  const text = (from: number, length: number): string =>
    new TextDecoder().decode(tar.subarray(from, from + length));
  for (let at = 0; at + 512 <= tar.length; ) {
    const size = Number.parseInt(text(at + 124, 11), 8);
    if (text(at, 100).replace(/\0.*/s, '') === 'package/package.json')
      return JSON.parse(text(at + 512, size)) as { name: string; version: string };
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('the tarball has no package.json');
}
