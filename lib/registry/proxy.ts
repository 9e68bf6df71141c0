/**
 * Selects the proxy for a URL from the environment by the rules of Go's golang.org/x/net/http/httpproxy, so that bake-ts and
 * buildctl use the same proxy.
 */

import { BlockList, isIP } from 'node:net';
import type { Environment } from '../model/mod.ts';
import { isLoopback } from '../util/loopback.ts';
import type { Permission } from '../util/permission.ts';

/** The proxy for a URL and the variable that names it, or undefined for a direct connection. */
export function proxyFor(
  url: URL,
  env: Environment,
): { readonly variable: string; readonly proxy: string } | undefined {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const variable = [name, name.toLowerCase()].find(isSet);
  const proxy = variable === undefined ? undefined : env[variable];
  if (variable === undefined || proxy === undefined) return undefined;
  // On a CGI server, HTTP_PROXY comes from a request header (CVE-2016-5386).
  if (url.protocol === 'http:' && env['REQUEST_METHOD'] !== undefined && env['http_proxy'] === undefined)
    return undefined;
  if (isExempt(url, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return { variable, proxy: /^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}` };
}

/** The runtime permission that a URL requires: a connection to its host, or only to the proxy. */
export function permissionFor(url: URL, way: ReturnType<typeof proxyFor>): Permission {
  const at = way === undefined ? url : (parseProxy(way.proxy)?.url ?? url);
  return { kind: 'net', what: `${at.hostname}:${at.port || (at.protocol === 'https:' ? 443 : 80)}` };
}

/**
 * A proxy's URL without its user, and the value for `Proxy-Authorization`; undefined if the URL is invalid or not http or https.
 */
export function parseProxy(
  text: string,
): { readonly url: URL; readonly authorization: string | undefined } | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const { username, password } = url;
  url.username = url.password = '';
  if (username === '') return { url, authorization: undefined };
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  } catch {
    // An invalid percent-encoding.
    return undefined;
  }
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/[[\]]/g, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (isLoopback(host)) return true;
  const version = isIP(host);
  for (const raw of list.split(',')) {
    let entry = raw.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return true;
    if (version !== 0 && entry.includes('/')) {
      if (inNetwork(host, version, entry)) return true;
      continue;
    }
    const withPort = /(.+):([0-9]+)$/.exec(entry);
    if (withPort !== null && isIP(entry) === 0) {
      if (withPort[2] !== port) continue;
      entry = withPort[1] ?? '';
    }
    entry = entry.replace(/[[\]]/g, '');
    if (version !== 0) {
      if (entry === host) return true;
      continue;
    }
    if (entry.startsWith('*.')) entry = entry.slice(1);
    // `.example.org` matches only subdomains; `example.org` also matches itself.
    if (entry.startsWith('.') ? host.endsWith(entry) : host === entry || host.endsWith(`.${entry}`))
      return true;
  }
  return false;
}

function inNetwork(host: string, version: number, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) !== version || !/^[0-9]{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}
