/**
 * A token server as the distribution spec wants it ("Token Authentication"): a name and password, and any number of
 * scopes, for a signed token. What it signs, distribution 2.8 and 3 verify themselves.
 */
import { Buffer } from 'node:buffer';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import type { Certificates } from './certificates.ts';
import { listenOnLoopback } from './listen.ts';
import { type TokenSettings, testUser } from './registry.ts';
import type { Cleanup } from './temp.ts';

/** A token server that runs. */
export interface TokenServer {
  /** For the registry's `auth`. */
  readonly settings: TokenSettings;
  /** The scopes of each request so far, and whether it was signed in. */
  readonly requests: readonly { readonly scopes: readonly string[]; readonly signedIn: boolean }[];
}

/** Starts it. Strangers may pull; `testUser` may do everything; wrong passwords get 401. */
export async function startTokenServer(t: Cleanup, certs: Certificates): Promise<TokenServer> {
  const requests: { scopes: readonly string[]; signedIn: boolean }[] = [];
  const right = `Basic ${Buffer.from(`${testUser.username}:${testUser.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://unused');
    const { authorization } = request.headers;
    const signedIn = authorization === right;
    const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    requests.push({ scopes, signedIn });
    if (authorization !== undefined && !signedIn) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[]}');
      return;
    }
    const access = scopes.map((scope) => {
      // A name may hold a colon, of a port.
      const [, type = '', name = '', actions = ''] = /^([^:]*):(.*):([^:]*)$/.exec(scope) ?? [];
      return { type, name, actions: actions.split(',').filter((one) => signedIn || one === 'pull') };
    });
    void signToken(certs, url.searchParams.get('service') ?? '', access).then((token) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ token, expires_in: 300 }));
    });
  });
  const port = await listenOnLoopback(t, server);
  return {
    requests,
    settings: {
      realm: `http://127.0.0.1:${port}/token`,
      service: 'registry.test',
      issuer: ISSUER,
      rootcertbundle: certs.caFile,
    },
  };
}

const ISSUER = 'token.test';

/** A token in the form of distribution's docs/spec/auth/jwt.md, signed with the server's key. */
async function signToken(certs: Certificates, audience: string, access: readonly object[]): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const certificate = new X509Certificate(certs.server.cert).raw.toString('base64');
  const parts = [
    { typ: 'JWT', alg: 'ES256', x5c: [certificate] },
    {
      iss: ISSUER,
      sub: testUser.username,
      aud: audience,
      iat: now,
      nbf: now - 10,
      exp: now + 300,
      jti: crypto.randomUUID(),
      access,
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signed = parts.join('.');
  const pkcs8 = Buffer.from(certs.server.key.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString('base64url')}`;
}
