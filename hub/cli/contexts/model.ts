/** One hub, and the token for it: in the file itself, or in a file of its own that is read anew each time. */
export interface Context {
  readonly name: string;
  readonly url: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

export interface Contexts {
  /** '': none */
  readonly currentContext: string;
  readonly contexts: readonly Context[];
}

export const noContexts: Contexts = { currentContext: '', contexts: [] };

const contextsMax = 1_000;

/** Throws an Error that names what is wrong, never a token. */
export function checkedContexts(value: unknown): Contexts {
  const { currentContext = '', contexts = [] } = objectOf(value, 'the file') as Partial<Contexts>;
  if (typeof currentContext !== 'string') throw new Error('currentContext is no text');
  if (!Array.isArray(contexts) || contexts.length > contextsMax) throw new Error('contexts is no list');
  return { currentContext, contexts: contexts.map(checkedContext) };
}

function checkedContext(value: unknown, index: number): Context {
  const where = `contexts[${index}]`;
  const { name, url, token, tokenFile } = objectOf(value, where) as Partial<Context>;
  if (typeof name !== 'string' || name === '') throw new Error(`${where}.name is missing`);
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error(`${where}.url is no URL`);
  for (const [key, text] of Object.entries({ token, tokenFile }))
    if (text !== undefined && typeof text !== 'string') throw new Error(`${where}.${key} is no text`);
  return { name, url, ...(token === undefined ? {} : { token }), ...(tokenFile === undefined ? {} : { tokenFile }) };
}

function objectOf(value: unknown, what: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no map`);
  return value;
}

/** With this context in it, in place of one of the same name, and chosen. */
export const withContext = ({ contexts }: Contexts, added: Context): Contexts => ({
  currentContext: added.name,
  contexts: [...contexts.filter(({ name }) => name !== added.name), added],
});

export const withoutContext = ({ contexts, currentContext }: Contexts, name: string): Contexts => ({
  currentContext: currentContext === name ? '' : currentContext,
  contexts: contexts.filter((one) => one.name !== name),
});
