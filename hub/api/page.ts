import type { FastifyInstance, FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import type { Asking } from './ask.ts';

export interface PageRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of a form; '' when there is none. */
  readonly body: string;
  /** The browser has gone. */
  readonly signal: AbortSignal;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string>;
}

/** A token of the API: id of its row, and its end in epoch milliseconds. */
export interface Inviter {
  readonly id: number;
  readonly expiresAt: number;
}

/** What people see in a browser. It knows of the fleet what it is told when it asks the API, and lets in who was invited through the API. */
export interface Page {
  /** A code that lets one browser in as the person with this token, once, and for no longer than the token is good. */
  invite(by: Inviter): { readonly code: string; readonly expiresAt: number };
  answer(request: PageRequest, api: Asking): Promise<PageAnswer>;
}

const paths = [
  ['GET', '/'],
  ['GET', '/login'],
  ['POST', '/login'],
  ['POST', '/logout'],
  ['GET', '/page/*'],
] as const;
const formBytesMax = 4 * 1024;

/** Forms are taken here and nowhere else: what the API takes is never what a form of another site can send. */
export async function mountPage(server: FastifyInstance, page: Page, api: Asking): Promise<void> {
  await server.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    for (const [method, url] of paths)
      scope.route({
        method,
        url,
        bodyLimit: formBytesMax,
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          const gone = new AbortController();
          reply.raw.once('close', () => gone.abort(new Error('the browser has gone')));
          const headers = request.headers as Record<string, string | undefined>;
          const body = typeof request.body === 'string' ? request.body : '';
          return send(reply, await page.answer({ method, url: request.url, headers, body, signal: gone.signal }, api));
        },
      });
  });
}

const send = (reply: FastifyReply, { status, headers, body }: PageAnswer): FastifyReply =>
  reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? body : Readable.from(body));
