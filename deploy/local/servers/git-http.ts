import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

export interface GitHttpOptions {
  /** The Git command, and the environment that it runs in. */
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
  /** The bare repositories. */
  readonly root: string;
  /** Who shows it as password may push; everybody may read. */
  readonly token: string;
}

const headBytesMax = 16 * 1024;
const requestMaxMs = 120_000;

/** Answers Git's smart HTTP protocol by `git http-backend`, a CGI program, one process for each request. */
export function gitHandler(options: GitHttpOptions): RequestListener {
  return (request, response) => {
    const asked = parseTarget(request.url ?? '');
    if (!asked) {
      response.writeHead(400).end();
      return;
    }
    const { path, query, pushes } = asked;
    const trusted = mayPush(request.headers.authorization, options.token);
    if (pushes && !trusted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    answer(
      request,
      response,
      { ...options.env, ...cgiEnv(request, path, query, options.root), ...(trusted ? { REMOTE_USER: 'starter' } : {}) },
      options.command,
    );
  };
}

/** What is asked for; on the decoded path, as the CGI program will see it. undefined: no path at all. */
export function parseTarget(url: string): { readonly path: string; readonly query: string; readonly pushes: boolean } | undefined {
  const [encoded = '', query = ''] = url.split('?');
  try {
    const path = decodeURIComponent(encoded);
    return {
      path,
      query,
      pushes: path.endsWith('/git-receive-pack') || new URLSearchParams(query).getAll('service').includes('git-receive-pack'),
    };
  } catch {
    return undefined;
  }
}

/** Whether an Authorization header carries the token, as password or as bearer. */
export function mayPush(header: string | undefined, token: string): boolean {
  const [scheme = '', value = ''] = (header ?? '').split(' ');
  const decoded =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value;
  const [shown, wanted] = [Buffer.from(decoded), Buffer.from(token)];
  return wanted.length > 0 && shown.length === wanted.length && timingSafeEqual(shown, wanted);
}

function cgiEnv(request: IncomingMessage, path: string, query: string, root: string): NodeJS.ProcessEnv {
  const header = (name: string): string => String(request.headers[name] ?? '');
  return {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    REQUEST_METHOD: request.method,
    PATH_INFO: path,
    QUERY_STRING: query,
    CONTENT_TYPE: header('content-type'),
    CONTENT_LENGTH: header('content-length'),
    HTTP_CONTENT_ENCODING: header('content-encoding'),
    GIT_PROTOCOL: header('git-protocol'),
    REMOTE_ADDR: '127.0.0.1',
  };
}

function answer(request: IncomingMessage, response: ServerResponse, env: NodeJS.ProcessEnv, command: string): void {
  const child = spawn(command, ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: requestMaxMs, killSignal: 'SIGKILL' });
  const fail = (): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
  };
  child.once('error', fail);
  child.stdin.on('error', () => {}); // it may answer before it has read everything
  response.once('close', () => child.kill('SIGKILL'));
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return head.length > headBytesMax ? void child.kill('SIGKILL') : undefined;
    child.stdout.off('data', onHead);
    const { status, headers } = parseHead(head.subarray(0, end).toString('latin1'));
    response.writeHead(status, headers);
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on('data', onHead);
  child.once('close', () => {
    if (!response.headersSent) fail();
  });
}

/** The head of a CGI answer: `Status` is 200 when absent. */
export function parseHead(text: string): { readonly status: number; readonly headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0) headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
  }
  const status = Number.parseInt(headers['status'] ?? '200', 10);
  delete headers['status'];
  return { status, headers };
}
