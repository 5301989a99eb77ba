import { readFile, writeFile } from 'node:fs/promises';
import { freePort, portAnswers } from '../processes/mod.ts';
import { StartError } from './arguments.ts';

const names = ['nats', 'registry', 'git', 'gateway', 'enrolment', 'api'] as const;
export type Ports = Readonly<Record<(typeof names)[number], number>>;

/**
 * The ports of a data folder: chosen once, because spokes and releases know them. Throws PORT_TAKEN when somebody else has one of them meanwhile.
 */
export async function portsOf(file: string): Promise<Ports> {
  const known = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Ports,
    () => undefined,
  );
  if (!known) {
    const ports = {} as Record<(typeof names)[number], number>;
    for (const name of names) ports[name] = await freePort();
    await writeFile(file, JSON.stringify(ports));
    return ports;
  }
  for (const name of names)
    if (await portAnswers(known[name]))
      throw new StartError(
        'PORT_TAKEN',
        `port ${known[name]} of this data folder's ${name} is in use: stop the other one, or take another --data folder`,
      );
  return known;
}
