import { explain } from '#shared/kernel/mod.ts';
import type { FoundServer } from '../servers/mod.ts';
import { StartError } from './arguments.ts';

const names = ['nats', 'registry', 'git'] as const;
type Name = (typeof names)[number];

/** What a fleet needs beside itself. Throws StartError SERVERS_MISSING that names all that is missing, so that nobody installs one and is told of the next. */
export async function findParts(
  find: (name: Name) => Promise<FoundServer>,
  signal: AbortSignal,
): Promise<Readonly<Record<Name, FoundServer>>> {
  const asked = await Promise.allSettled(names.map(async (name) => [name, await find(name)] as const));
  signal.throwIfAborted();
  const missing = asked.flatMap((one) => (one.status === 'rejected' ? [explain(one.reason)] : []));
  if (missing.length > 0)
    throw new StartError('SERVERS_MISSING', `a fleet needs more than this machine has:\n${missing.map((one) => `- ${one}`).join('\n')}`);
  return Object.fromEntries(asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))) as Record<Name, FoundServer>;
}
