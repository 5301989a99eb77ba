import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { SandboxCluster } from './mod.ts';

/** A request as anybody may send it: without the manners of a client. */
export interface Sent {
  readonly method?: string;
  /** A text is sent as it is. */
  readonly body?: unknown;
  readonly type?: string;
  readonly token?: string;
}

export async function send(cluster: SandboxCluster, path: string, { method = 'GET', body, type = 'application/json', token }: Sent = {}) {
  const config = JSON.parse(await readFile(cluster.kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: { token: string } }[];
  };
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const ca = Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64');
  const headers = {
    authorization: `Bearer ${token ?? config.users[0]?.user.token}`,
    // A DELETE has a body only if it says how long it is.
    ...(text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
  };
  return await new Promise<{ status: number; text: () => Promise<string>; json: () => Promise<unknown> }>((resolve, reject) => {
    const sent = request(`${cluster.url}${path}`, { method, ca, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({
          status: response.statusCode ?? 0,
          text: () => Promise.resolve(text),
          json: () => Promise.resolve(JSON.parse(text) as unknown),
        });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}
