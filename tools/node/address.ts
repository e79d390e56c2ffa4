// Where a node is reached: what it says of itself to whoever runs it, and to clients of other nodes.

import type { NodeConfig } from './settings.ts';

type Settings = Pick<NodeConfig, 'http.public_address' | 'tls.cert_file'>;

/** Names of all addresses of a machine: to listen on, not to go to. */
const EVERYWHERE = ['0.0.0.0', '[::]'];

/** The base address that a node listens at. */
export function listeningAt(config: Settings, edge: { readonly httpAddress: string }): string {
  return `${config['tls.cert_file'] === '' ? 'http' : 'https'}://${edge.httpAddress}`;
}

/**
 * The base address that clients of other nodes are told. Empty where nothing says how to reach this node: it listens on all
 * addresses, or on one that no URL can name, and `http.public_address` is not set. Its users' clients then stay where they called, relayed.
 */
export function announcedAddress(config: Settings, edge: { readonly httpAddress: string }): string {
  if (config['http.public_address'] !== '') return config['http.public_address'];
  const address = listeningAt(config, edge);
  if (!URL.canParse(address) || EVERYWHERE.includes(new URL(address).hostname)) return '';
  return address;
}
