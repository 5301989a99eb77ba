import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { codeOf } from '#shared/kernel/mod.ts';
import { CliError } from '../exits.ts';
import type { Io } from '../io.ts';
import type { Connection } from '../requests/client.ts';
import { checkedContexts, noContexts, type Context, type Contexts } from './model.ts';

type Place = Pick<Io, 'env' | 'home' | 'folder'>;

/** Where the contexts are kept: WHEELHOUSE_CONFIG, else as XDG has it. */
export const configFile = ({ env, home, folder }: Place): string =>
  env['WHEELHOUSE_CONFIG']
    ? resolve(folder, env['WHEELHOUSE_CONFIG'])
    : join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'wheelhouse', 'config.yaml');

const failed = (message: string, next: string, cause?: unknown): CliError => new CliError('CONTEXT', message, { next, cause });

/** No file: no contexts. Throws CliError CONTEXT for one that cannot be read. */
export async function readContexts(place: Place): Promise<Contexts> {
  const file = configFile(place);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw failed(
      `${file} cannot be read (${codeOf(error) ?? 'unknown'})`,
      'make it readable, or name another with WHEELHOUSE_CONFIG',
      error,
    );
  });
  if (text.trim() === '') return noContexts;
  try {
    return checkedContexts(parse(text));
  } catch (error) {
    throw failed(
      `${file} is not a file of contexts: ${error instanceof Error ? error.message : 'unreadable'}`,
      'mend it, or write it anew with wheelhouse init',
      error,
    );
  }
}

/** Only for its owner, and never seen half-written. */
export async function writeContexts(place: Place, contexts: Contexts): Promise<string> {
  const file = configFile(place);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = `# Contexts of wheelhouse, the command; see wheelhouse context --help.\n${stringify(contexts)}`;
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
  return file;
}

/** The hub to ask, and how it was found: --context, else WHEELHOUSE_URL with WHEELHOUSE_TOKEN_FILE, else the current context. */
export interface Chosen {
  readonly connection: Connection;
  /** `context local`, `WHEELHOUSE_URL` */
  readonly from: string;
}

const makeOne =
  'write one with: wheelhouse init HUB_DATA_FOLDER (npm start prints the folder), or set WHEELHOUSE_URL and WHEELHOUSE_TOKEN_FILE';

/** Throws CliError CONTEXT that says what to do when there is none. */
export async function chooseHub(place: Place, named: string | undefined): Promise<Chosen> {
  const url = place.env['WHEELHOUSE_URL'];
  if (named === undefined && url) {
    const tokenFile = place.env['WHEELHOUSE_TOKEN_FILE'];
    if (!URL.canParse(url)) throw failed(`WHEELHOUSE_URL is no URL: ${url}`, 'write it as http://HOST:PORT');
    return { connection: { url, token: tokenFile ? await tokenIn(resolve(place.folder, tokenFile)) : '' }, from: 'WHEELHOUSE_URL' };
  }
  const contexts = await readContexts(place);
  const name = named ?? contexts.currentContext;
  const local = name === '' ? await localFleet(place) : undefined;
  if (local) return local;
  if (name === '') throw failed('no hub is chosen', makeOne);
  const context = contexts.contexts.find((one) => one.name === name);
  if (!context) {
    const known = contexts.contexts.map((one) => one.name).join(', ') || 'none';
    throw failed(`there is no context ${name}; there are: ${known}`, makeOne);
  }
  return { connection: { url: context.url, token: await tokenOf(context) }, from: `context ${name}` };
}

/** The fleet that `npm start` runs from this clone, so that the first command somebody types works; undefined: none runs. */
async function localFleet({ env, folder }: Place): Promise<Chosen | undefined> {
  if (!env['WHEELHOUSE_FLEET']) return undefined;
  const hub = join(resolve(folder, env['WHEELHOUSE_FLEET']), 'hub');
  const ports = await readFile(join(hub, 'ports.json'), 'utf8').catch(() => undefined);
  if (ports === undefined) return undefined;
  const url = `http://127.0.0.1:${(JSON.parse(ports) as { api: number }).api}`;
  return { connection: { url, token: await tokenIn(join(hub, 'keys', 'admin.token')) }, from: 'the fleet of npm start' };
}

const tokenOf = async ({ token, tokenFile }: Context): Promise<string> =>
  token ?? (tokenFile === undefined ? '' : await tokenIn(tokenFile));

async function tokenIn(file: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    // As ssh does with keys: who else on this machine may read it has it.
    if ((mode & 0o077) !== 0) throw failed(`${file} holds a token and others may read it`, `chmod 600 ${file}`);
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw failed(
      `the token in ${file} cannot be read (${codeOf(error) ?? 'unknown'})`,
      'is the hub still there? wheelhouse init writes a context anew',
      error,
    );
  }
}
