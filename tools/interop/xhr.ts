// XMLHttpRequest on node's http module: as much of it as the official gRPC-web client uses, which knows no other way to the
// network. As in a browser, the text of a response can be read while it grows.

import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** States of the standard. */
const [OPENED, HEADERS_RECEIVED, LOADING, DONE] = [1, 2, 3, 4] as const;

export class NodeXmlHttpRequest {
  readyState = 0;
  status = 0;
  statusText = '';
  responseText = '';
  responseType = '';
  withCredentials = false;
  timeout = 0;
  onreadystatechange: (() => void) | null = null;
  #method = '';
  #url = '';
  readonly #headers: Record<string, string> = {};
  #request: ClientRequest | undefined = undefined;
  #response: IncomingMessage | undefined = undefined;

  get response(): string {
    return this.responseText;
  }

  open(method: string, url: string): void {
    this.#method = method;
    this.#url = url;
    this.#become(OPENED);
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name.toLowerCase()] = value;
  }

  send(body: string | Uint8Array | null): void {
    this.#request = request(this.#url, { method: this.#method, headers: this.#headers }, (response) => {
      this.#response = response;
      this.status = response.statusCode ?? 0;
      this.statusText = response.statusMessage ?? '';
      this.#become(HEADERS_RECEIVED);
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        this.responseText += text;
        this.#become(LOADING);
      });
      response.on('end', () => this.#become(DONE));
      response.on('error', () => this.#fail());
    });
    this.#request.on('error', () => this.#fail());
    this.#request.end(body ?? undefined);
  }

  abort(): void {
    this.#request?.destroy();
  }

  getResponseHeader(name: string): string | null {
    const value = this.#response?.headers[name.toLowerCase()];
    return value === undefined ? null : [value].flat().join(', ');
  }

  getAllResponseHeaders(): string {
    const headers = Object.entries(this.#response?.headers ?? {});
    return headers.map(([name, value]) => `${name}: ${[value ?? ''].flat().join(', ')}\r\n`).join('');
  }

  #fail(): void {
    if (this.readyState === DONE) return;
    this.status = 0;
    this.#become(DONE);
  }

  #become(state: number): void {
    this.readyState = state;
    this.onreadystatechange?.();
  }
}
