// Which servers may be asked. Addresses of pictures come with data sets, so from anybody: without a limit they could make
// this machine ask its own services, its router or a cloud's metadata (server-side request forgery).
import { lookup as resolveName, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Why an address is not asked. It says nothing about the picture: the same address stays refused. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

/** 'host:port' pairs that may be asked although they are private. Names in lower case; IPv6 in brackets. */
export type AllowedHosts = ReadonlySet<string>;

const LONGEST_URL = 4096;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** 'www.flickr.com:443' */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || DEFAULT_PORTS[url.protocol]!}`;
}

/**
 * The address to ask, checked as far as it can be without asking for the name.
 * @param base what a redirect or a page's link is relative to
 * @throws {RefusedAddress}
 */
export function requireWebAddress(text: string, allowed: AllowedHosts, base?: URL): URL {
  const url = text.length <= LONGEST_URL ? URL.parse(text.trim(), base?.href) : null;
  if (url === null) throw new RefusedAddress('no web address');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new RefusedAddress('neither http nor https');
  if (url.username !== '' || url.password !== '') throw new RefusedAddress('address with a password');
  const host = bare(url.hostname);
  // A number is connected to without any look-up, so it is checked here. The URL parser has brought all its spellings to one.
  if (isIP(host) !== 0 && !allowed.has(hostAndPort(url)) && !isPublic(host)) throw new RefusedAddress('private network address');
  url.hash = '';
  return url;
}

/** Looks names up for a connection and refuses those that lead to private networks: what was looked up is what is connected to. */
export function guardedLookup(url: URL, allowed: AllowedHosts): LookupFunction {
  const isAllowed = allowed.has(hostAndPort(url));
  return (name, options, callback) => {
    resolveName(name, { ...options, all: true }, (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
      if (error !== null) callback(error, []);
      else if (!isAllowed && !addresses.every(({ address }) => isPublic(address))) callback(new RefusedAddress('private network address'), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

/** Whether an IP address can be anybody's on the internet: no loopback, private, link-local, shared, reserved or multicast range, also not wrapped into IPv6. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // ::ffff:10.0.0.1 is 10.0.0.1
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_UNICAST);
}

/** The only IPv6 block that is handed out; site-local and other old ranges lie outside. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

/** 'localhost:8080, 10.1.2.3:80' as a set; for settings and flags. */
export function parseAllowedHosts(text: string): AllowedHosts {
  return new Set(text.toLowerCase().split(/[\s,]+/).filter((part) => part !== ''));
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');
