import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isDoc, type Doc, type Stored } from '../values.ts';
import { keyOfObject, Store } from './store.ts';

/** Written anew when it holds this many lines more than twice its objects. */
const spareLinesMax = 5_000;

/**
 * A cluster's objects in one file of JSON lines, a line per change: what a killed process had answered is there when it starts again, a power cut may
 * lose the last moments. A line that was cut short is the end. Kept open; rewritten by rename when most of it is history.
 */
export class StateFile {
  readonly #path: string;
  #file: number | undefined;
  #lines = 0;
  /** When it was last written anew. */
  #objects = 0;

  constructor(dir: string) {
    this.#path = join(dir, 'state.jsonl');
  }

  /** The store as it was left, or undefined when there is none. From now on its changes are written. */
  open(initial: () => Store): Store {
    const store = existsSync(this.#path) ? this.#read() : initial();
    this.#rewrite(store);
    store.listen(({ version, table, key, after }) => {
      this.#append(after ? { version, table, object: after } : { version, table, key });
      if (this.#lines > spareLinesMax + 2 * this.#objects) this.#rewrite(store);
    });
    return store;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #read(): Store {
    const objects = new Map<string, readonly [string, Stored]>();
    let version = 0;
    for (const line of readFileSync(this.#path, 'utf8').split('\n')) {
      const change = parsed(line);
      if (!change) break;
      version = Number(change['version']);
      const table = String(change['table']);
      const object = change['object'] as Stored | undefined;
      if (object) objects.set(`${table} ${keyOfObject(object)}`, [table, object]);
      else objects.delete(`${table} ${String(change['key'])}`);
    }
    return new Store(objects.values(), version);
  }

  #rewrite(store: Store): void {
    const lines = [...store.objects()].map(([table, object]) => JSON.stringify({ version: store.version, table, object }));
    // The version outlives the objects that it counted.
    lines.push(JSON.stringify({ version: store.version, table: '', key: '' }), '');
    writeFileSync(`${this.#path}.next`, lines.join('\n'), { mode: 0o600 });
    this.close();
    renameSync(`${this.#path}.next`, this.#path);
    this.#file = openSync(this.#path, 'a');
    this.#lines = this.#objects = lines.length - 1;
  }

  #append(change: Doc): void {
    if (this.#file === undefined) return; // stopped
    writeSync(this.#file, `${JSON.stringify(change)}\n`);
    this.#lines += 1;
  }
}

function parsed(line: string): Doc | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isDoc(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
