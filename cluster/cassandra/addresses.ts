// Where nodes are reached that announce another address. Owns: the map of announced addresses. Does not own: connections.

import cassandra from 'cassandra-driver';
import { invalidRequest } from '../../runtime/errors.ts';

/** Announced `host:port` to the one to use. */
export type AddressMap = Readonly<Record<string, string>>;

/** The port of the native protocol where none is named. */
const portDefault = 9042;

const parts = /^(.+?)(?::(\d{1,5}))?$/;

/** Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; `host` without brackets. */
function parse(address: string): { readonly host: string; readonly port: number | undefined } {
  const [, bracketed, bracketedPort] = /^\[(.+)\](?::(\d{1,5}))?$/.exec(address) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: portOf(bracketedPort) };
  if (address.split(':').length > 2) return { host: address, port: undefined };
  const [, host = address, port] = parts.exec(address) ?? [];
  return { host, port: portOf(port) };
}

function portOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Nodes announce a host only: their port is that of the first contact point. */
export class Addresses {
  /** The port that nodes are taken to announce. */
  readonly port: number;
  readonly #map: ReadonlyMap<string, string>;

  /** @throws StarlingError INVALID_REQUEST where an address of the map lacks its port */
  constructor(contactPoints: readonly string[], map: AddressMap = {}) {
    for (const address of Object.entries(map).flat()) {
      if (parse(address).port === undefined)
        throw invalidRequest('addressMap', `"${address}" must be host:port`);
    }
    this.#map = new Map(Object.entries(map));
    // A contact point may be named by the address to use: what is announced there counts.
    const announced = new Map(Object.entries(map).map(([from, to]) => [to, from]));
    const [first = ''] = contactPoints;
    this.port = parse(announced.get(first) ?? first).port ?? portDefault;
  }

  /** The address to use for one that was announced or named. */
  use(address: string): string {
    const { host, port = this.port } = parse(address);
    const endpoint = this.endpoint(host, port);
    return endpoint === `${host}:${port}` ? address : endpoint;
  }

  /** What the library asks: it writes IPv6 without brackets in its endpoints. */
  endpoint(host: string, port: number): string {
    return this.#map.get(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`) ?? `${host}:${port}`;
  }

  /** For the database library, which wants an object of its own class. */
  translator(): cassandra.policies.addressResolution.AddressTranslator {
    return Object.assign(cassandra.policies.defaultAddressTranslator(), {
      translate: (host: string, port: number, callback: (endpoint: string) => void): void =>
        callback(this.endpoint(host, port)),
    });
  }
}
