import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { configFile, readContexts, writeContexts } from '../contexts/contexts.ts';
import { withContext, withoutContext } from '../contexts/model.ts';
import { CliError } from '../exits.ts';
import { orNone, tableLines } from '../print/tables.ts';
import type { Session } from '../session.ts';

interface InitOptions {
  readonly name: string;
  readonly url?: string;
}

/** Where the folder of a hub keeps what a context needs; the folder of a local fleet has its hub in `hub`. */
const places = ['', 'hub'];

/** Writes a context from the folder of a hub on this machine: its admin token, and the port that it listens on. */
export async function init(session: Session, folder: string, { name, url }: InitOptions): Promise<void> {
  const root = resolve(session.io.folder, folder);
  const hub = await hubFolder(root);
  if (hub === undefined)
    throw new CliError('CONTEXT', `${root} has no keys/admin.token`, {
      next: 'name the data folder of a hub (WHEELHOUSE_DATA), or of npm start; has it been started?',
    });
  const address = url ?? (await addressOf(hub));
  if (!URL.canParse(address)) throw new CliError('CONTEXT', `${address} is no URL`, { next: 'write it as http://HOST:PORT' });
  const contexts = await readContexts(session.io);
  const replaced = contexts.contexts.some((one) => one.name === name);
  const file = await writeContexts(session.io, withContext(contexts, { name, url: address, tokenFile: join(hub, 'keys', 'admin.token') }));
  session.print([`context ${name} ${replaced ? 'replaced' : 'written'}: ${address}`]);
  session.say(`it is the current one, in ${file}; try: wheelhouse status`);
}

async function hubFolder(root: string): Promise<string | undefined> {
  for (const place of places) {
    const found = await stat(join(root, place, 'keys', 'admin.token')).catch(() => undefined);
    if (found?.isFile()) return join(root, place);
  }
  return undefined;
}

async function addressOf(hub: string): Promise<string> {
  const file = join(hub, 'ports.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const { api } = JSON.parse(text) as { api?: unknown };
  if (typeof api === 'number') return `http://127.0.0.1:${api}`;
  throw new CliError('CONTEXT', `${file} does not say where the hub listens`, { next: 'give --url http://HOST:PORT' });
}

export async function listContexts(session: Session): Promise<void> {
  const { contexts, currentContext } = await readContexts(session.io);
  const rows = contexts.map(({ name, url, token, tokenFile }) => [
    name === currentContext ? '*' : '',
    name,
    url,
    token === undefined ? orNone(tokenFile) : 'in the file of contexts',
  ]);
  if (rows.length === 0) return session.say(`no contexts in ${configFile(session.io)}; wheelhouse init writes one`);
  session.print(tableLines({ titles: ['CURRENT', 'NAME', 'URL', 'TOKEN'], rows }, { paint: session.paint }));
}

export async function useContext(session: Session, name: string): Promise<void> {
  const contexts = await known(session, name);
  await writeContexts(session.io, { ...contexts, currentContext: name });
  session.print([`context ${name} is the current one`]);
}

export async function deleteContext(session: Session, name: string): Promise<void> {
  await writeContexts(session.io, withoutContext(await known(session, name), name));
  session.print([`context ${name} deleted`]);
}

async function known(session: Session, name: string) {
  const contexts = await readContexts(session.io);
  const names = contexts.contexts.map((one) => one.name);
  if (!names.includes(name))
    throw new CliError('CONTEXT', `there is no context ${name}; there are: ${orNone(names.join(', '))}`, {
      next: 'wheelhouse context list',
    });
  return contexts;
}
