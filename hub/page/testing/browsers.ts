import { request as ask } from 'node:http';
import type { Rig } from '../../api/testing/rig.ts';

// A browser's way to the page, without a browser: what it would send, and what it is sent.

export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** fetch sets Host itself, so a lying one needs node:http. */
export const see = (base: string, path: string, { method = 'GET', headers = {}, body }: Sending = {}): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const sent = ask(`${base}${path}`, { method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: new Headers(Object.entries(answer.headers).map(([key, value]): [string, string] => [key, String(value)])),
          text: Buffer.concat(parts).toString('utf8'),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });

const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };

/** A code, as a person with this token gets one. */
export async function invited(rig: Rig, token?: string): Promise<string> {
  const { body } = await rig.call('POST', '/v1alpha1/page/invitations', token === undefined ? {} : { token });
  return String(body.path).split('#')[1] ?? '';
}

export const login = (rig: Rig, code: string, headers: Readonly<Record<string, string>> = {}): Promise<Seen> =>
  see(rig.base, '/login', { method: 'POST', headers: { ...form, ...headers }, body: new URLSearchParams({ code }).toString() });

/** The cookie of a browser that was let in. */
export async function letIn(rig: Rig, token?: string): Promise<{ readonly cookie: string }> {
  const { headers } = await login(rig, await invited(rig, token));
  return { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' };
}

export interface Message {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events of a stream, one after the other. */
export async function* messages(
  base: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const { body } = await fetch(base + path, { headers, signal });
  if (!body) return;
  let text = '';
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, type = '', data = '{}'] = /^event: (\w+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      yield { type, data: JSON.parse(data) as Record<string, unknown> };
    }
  }
}
