// The built web page. Owns: reading it once, its ETags, caching and security headers. Does not own: what it does.
// All files are read at the start and kept in memory: no path of a request ever reaches the file system.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FlatHeaders } from './cors.ts';
import type { PlainRequest, PlainResponse } from './web-request.ts';

const compress = promisify(gzip);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

// Scripts only from here; no frames, no plug-ins. Inline styles are allowed for text that is laid out by the page.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_HEADERS: FlatHeaders = [
  'content-security-policy',
  CONTENT_SECURITY_POLICY,
  'referrer-policy',
  'no-referrer',
  'cross-origin-opener-policy',
  'same-origin',
];

interface StaticFile {
  readonly body: Buffer;
  /** Undefined where it would not be smaller. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
  readonly headers: FlatHeaders;
}

export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>;

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files;
  }

  /**
   * Reads a directory with all below it.
   * @throws Error when it can't be read or holds more than `bytesMax`
   */
  static async read(dir: string, bytesMax: number): Promise<StaticFiles> {
    const files = new Map<string, StaticFile>();
    let bytes = 0;
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const name = join(entry.parentPath, entry.name);
      const body = await readFile(name);
      bytes += body.length;
      if (bytes > bytesMax) throw new Error(`The static files are larger than ${bytesMax} bytes.`);
      const path = `/${relative(dir, name).split(sep).join('/')}`;
      files.set(path, await staticFile(path, body));
    }
    return new StaticFiles(files);
  }

  /** The file of a path. A path without an extension is the page itself, which has routes of its own. */
  answer(path: string, request: PlainRequest): PlainResponse | undefined {
    const file = this.#files.get(path) ?? (extname(path) === '' ? this.#files.get('/index.html') : undefined);
    if (file === undefined) return undefined;
    const tags = request.header('if-none-match');
    if (tags?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === file.etag)) {
      return { status: 304, headers: file.headers, body: '' };
    }
    const zipped = /\bgzip\b/.test(request.header('accept-encoding') ?? '') ? file.gzipped : undefined;
    if (zipped === undefined) return { status: 200, headers: file.headers, body: file.body };
    return { status: 200, headers: [...file.headers, 'content-encoding', 'gzip'], body: zipped };
  }
}

async function staticFile(path: string, body: Buffer): Promise<StaticFile> {
  const extension = extname(path);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const zipped = await compress(body);
  // The builder puts a hash of the content into names under assets/: such a name never changes its content.
  const caching = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  const headers = [
    'content-type',
    CONTENT_TYPES[extension] ?? 'application/octet-stream',
    'cache-control',
    caching,
    'etag',
    etag,
    'vary',
    'accept-encoding',
    'x-content-type-options',
    'nosniff',
    ...(extension === '.html' ? PAGE_HEADERS : []),
  ];
  return { body, gzipped: zipped.length < body.length * 0.9 ? zipped : undefined, etag, headers };
}
