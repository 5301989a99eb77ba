import { request } from 'node:https';
import type { Credentials } from './documents.ts';
import { KubeError } from './errors.ts';

const RESPONSE_BYTES_MAX = 8 * 1024 * 1024;

/** The little that starting a control plane asks of a server, as its administrator. Both throw START_FAILED unless answered with 2xx. */
export interface Client {
  get(path: string, signal: AbortSignal): Promise<unknown>;
  /** Server-side apply, by force; returns the object. */
  apply(path: string, object: unknown, signal: AbortSignal): Promise<unknown>;
}

export function client(url: string, credentials: Credentials): Client {
  return {
    get: (path, signal) => send({ url: new URL(path, url), method: 'GET', credentials, signal }),
    apply: (path, object, signal) =>
      send({
        url: new URL(`${path}?fieldManager=test-kube&force=true`, url),
        method: 'PATCH',
        credentials,
        signal,
        body: JSON.stringify(object),
      }),
  };
}

interface Sending {
  readonly url: URL;
  readonly method: string;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  readonly body?: string;
}

async function send({ url, method, credentials, signal, body }: Sending): Promise<unknown> {
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request(url, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/apply-patch+yaml' },
      ca: Buffer.from(credentials.authority),
      cert: Buffer.from(credentials.certificate),
      key: Buffer.from(credentials.key),
      agent: false,
      signal,
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.once('error', reject);
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > RESPONSE_BYTES_MAX) response.destroy(new Error(`more than ${RESPONSE_BYTES_MAX} bytes`));
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.end(body);
  }).catch((cause: unknown) => {
    throw new KubeError('START_FAILED', `${method} ${url.pathname}`, { cause });
  });
  if (status < 200 || status > 299) throw new KubeError('START_FAILED', `${method} ${url.pathname}: ${status} ${text.slice(0, 300)}`);
  return text.startsWith('{') ? JSON.parse(text) : text;
}
