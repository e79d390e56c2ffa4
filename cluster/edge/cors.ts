// Which pages of other origins may call. Owns: CORS headers. Does not own: authentication; CORS protects users of
// browsers, not the server.

const ALLOW_METHODS = 'POST, GET, OPTIONS';
const ALLOW_HEADERS =
  'authorization, content-type, grpc-timeout, x-grpc-web, x-user-agent, x-accept-content-transfer-encoding';
const EXPOSE_HEADERS = 'grpc-status, grpc-message, grpc-status-details-bin';
/** Seconds a browser may keep the answer to a preflight: two hours, the most that browsers take. */
const PREFLIGHT_SECONDS = '7200';

/** Name, value, name, value, … as node's HTTP modules take them. */
export type FlatHeaders = readonly string[];

const NONE: FlatHeaders = [];

export class Cors {
  readonly #any: FlatHeaders | undefined;
  readonly #byOrigin: ReadonlyMap<string, FlatHeaders>;

  constructor(allowedOrigins: readonly string[] | '*') {
    const headers = (origin: string) => [
      'access-control-allow-origin',
      origin,
      'access-control-expose-headers',
      EXPOSE_HEADERS,
    ];
    this.#any = allowedOrigins === '*' ? headers('*') : undefined;
    const origins = allowedOrigins === '*' ? [] : allowedOrigins;
    this.#byOrigin = new Map(origins.map((origin) => [origin, [...headers(origin), 'vary', 'origin']]));
  }

  /** Headers for a response to a request with this `origin`; none where the origin may not call. */
  headers(origin: string | undefined): FlatHeaders {
    if (origin === undefined) return NONE;
    return this.#any ?? this.#byOrigin.get(origin) ?? NONE;
  }

  /** Headers for the answer to a preflight. A page of an origin that may not call gets none, and the browser stops it. */
  preflight(origin: string | undefined, asked: string | undefined): FlatHeaders {
    const headers = this.headers(origin);
    if (headers.length === 0) return headers;
    return [
      ...headers,
      'access-control-allow-methods',
      ALLOW_METHODS,
      'access-control-allow-headers',
      // A client may carry metadata of its own; what it may not do is send a malformed name back to itself.
      asked !== undefined && /^[a-zA-Z0-9, _-]{1,2048}$/.test(asked) ? asked : ALLOW_HEADERS,
      'access-control-max-age',
      PREFLIGHT_SECONDS,
    ];
  }
}
