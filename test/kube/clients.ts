import { request } from 'node:https';
import type { Credentials } from './documents.ts';
import { KubeError } from './errors.ts';

const REQUEST_TIMEOUT_MS = 10_000;
const RESPONSE_BYTES_MAX = 8 * 1024 * 1024;

/** A request to one server as its administrator: the little that starting a control plane needs. Throws REQUEST_FAILED unless answered with 2xx. */
export type Client = (method: 'GET' | 'PATCH', path: string, body?: unknown) => Promise<unknown>;

export function client(url: string, { authority: ca, certificate: cert, key }: Credentials): Client {
  return async (method, path, body) => {
    const headers = { 'content-type': 'application/apply-patch+yaml', accept: 'application/json' };
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const options = {
      method,
      headers,
      ca: Buffer.from(ca),
      cert: Buffer.from(cert),
      key: Buffer.from(key),
      agent: false,
      signal: timeout,
    } as const;
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request(new URL(path, url), options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size > RESPONSE_BYTES_MAX)
            response.destroy(new KubeError('REQUEST_FAILED', `${path}: more than ${RESPONSE_BYTES_MAX} bytes`));
          chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.once('error', (cause) => reject(new KubeError('REQUEST_FAILED', `${method} ${path}: ${cause.message}`, { cause })));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if (status < 200 || status > 299) throw new KubeError('REQUEST_FAILED', `${method} ${path}: ${status} ${text.slice(0, 300)}`);
    return text.startsWith('{') ? JSON.parse(text) : text;
  };
}
