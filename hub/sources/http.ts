import type { HttpClient } from 'isomorphic-git';
import { SourceError } from './errors.ts';

export interface HttpOptions {
  readonly signal: AbortSignal;
  readonly answerMaxBytes: number;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
}

/** Git's requests on fetch: they stop with the signal, answers are bounded, and a redirect is an error that says where to. */
export function httpClient({ signal, answerMaxBytes, authorization }: HttpOptions): HttpClient {
  return {
    request: async ({ url, method = 'GET', headers = {}, body }) => {
      const response = await fetch(url, {
        method,
        headers: authorization === undefined ? headers : { ...headers, authorization },
        ...(body === undefined ? {} : { body: await collect(body) }),
        redirect: 'manual',
        signal,
      });
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel();
        // Followed, it could lead a credential, or the whole source, to another host.
        throw new SourceError(
          'REDIRECTED',
          `${plain(url)} has moved to ${plain(response.headers.get('location') ?? '')}: use that address`,
        );
      }
      return {
        url,
        method,
        headers: Object.fromEntries(response.headers),
        body: bounded(response.body, answerMaxBytes, url),
        statusCode: response.status,
        statusMessage: response.statusText,
      };
    },
  };
}

/** An address for people: nothing behind the path. */
const plain = (url: string): string =>
  url
    .replace(/[?#].*$/, '')
    .replace(/\/info\/refs$|\/git-upload-pack$/, '')
    .slice(0, 200);

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Uint8Array.from(Buffer.concat(parts));
}

async function* bounded(body: AsyncIterable<Uint8Array> | null, bytesMax: number, url: string): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > bytesMax)
      throw new SourceError('TOO_LARGE', `${plain(url)} answers with more than ${bytesMax} bytes: keep manifests in a smaller repository`);
    yield part;
  }
}
