import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '#deploy/local/processes/mod.ts';
import { commandOf, portsListening, portsOf, processesNaming } from '../fleet/traces.ts';
import type { Newcomer } from './newcomers.ts';

// Where somebody without rights may write, beside their home.
const commons = ['/tmp', '/var/tmp', '/dev/shm', '/run/lock'];

/** What a run of a newcomer's fleet opened and made, seen from outside; everything is found by the newcomer's own folder or owner. */
export class Traces {
  readonly #who: Newcomer;
  readonly #ports = new Set<number>();
  readonly #before: ReadonlySet<string>;
  #processesMax = 0;

  constructor(who: Newcomer) {
    this.#who = who;
    this.#before = new Set(commonEntries(who));
  }

  /** To be called while it runs: ports of processes that are gone cannot be asked for. */
  readonly look = (): void => {
    const pids = processesNaming(this.#who.folder);
    this.#processesMax = Math.max(this.#processesMax, pids.length);
    for (const port of portsOf(pids)) this.#ports.add(port);
  };

  /** How much there was to be left: none seen means that nothing was looked at. */
  get seen(): { readonly processes: number; readonly ports: number } {
    return { processes: this.#processesMax, ports: this.#ports.size };
  }

  /** What is there that should not be, each as a sentence. */
  async left(): Promise<readonly string[]> {
    const open = portsListening();
    const { clone, home, temporary, folder } = this.#who;
    const known: readonly (readonly [string, readonly string[]])[] = [
      // npm's, and the cache folder that README.md names.
      [home, ['.cache', '.npm']],
      [join(home, '.cache'), ['wheelhouse']],
      // npm's own cache of its code.
      [temporary, ['node-compile-cache']],
      [folder, ['clone', 'home', 'tmp']],
    ];
    return [
      ...processesNaming(folder).map((pid) => `process ${pid} runs: ${commandOf(pid).slice(0, 120)}`),
      ...[...this.#ports].filter((port) => open.has(port)).map((port) => `port ${port} is open`),
      ...known.flatMap(([place, names]) =>
        entries(place)
          .filter((name) => !names.includes(name))
          .map((name) => `${join(place, name)} is there`),
      ),
      ...(await changesIn(clone)).map((line) => `the clone has ${line}`),
      ...commonEntries(this.#who)
        .filter((path) => !this.#before.has(path))
        .map((path) => `${path} is there`),
    ];
  }
}

const entries = (path: string): readonly string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/** Of the newcomer, in places that everybody shares. */
function commonEntries({ home, folder }: Newcomer): readonly string[] {
  const uid = lstatSync(home).uid;
  return commons
    .flatMap((place) => entries(place).map((name) => join(place, name)))
    .filter((path) => path !== folder && ownerOf(path) === uid);
}

const ownerOf = (path: string): number | undefined => {
  try {
    return lstatSync(path).uid;
  } catch {
    return undefined; // it is gone meanwhile
  }
};

/** Ignored files too, but for what npm installs. */
async function changesIn(clone: string): Promise<readonly string[]> {
  const env = { ...process.env, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
  const { stdout } = await runCommand('git', ['-C', clone, 'status', '--porcelain', '--ignored'], { env, waitMaxMs: 60_000 });
  return stdout.split('\n').filter((line) => line !== '' && line !== '!! node_modules/');
}
