import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyOf, Store, type Stored } from '#shared/kubernetes/mod.ts';

type Line = { readonly version: number; readonly table: string; readonly key: string; readonly object?: Stored | undefined };
/** Written anew when it holds this many lines more than its objects. */
const spareLinesMax = 5_000;

/**
 * A cluster's objects in one file of JSON lines, a line per change: what a killed process had answered is there when it starts again, a power cut may
 * lose the last moments. A line that was cut short is the end. Rewritten by rename when most of it is history.
 */
export function storeIn(dir: string, initial: () => Store): Store {
  const path = join(dir, 'state.jsonl');
  const store = existsSync(path) ? read(readFileSync(path, 'utf8')) : initial();
  let spareLines = spareLinesMax;
  const write = (change: Line): void => {
    if (spareLines < spareLinesMax) return void (appendFileSync(path, textOf(change)), (spareLines += 1));
    const lines = store.objects().map(([table, object]) => textOf({ version: store.version, table, key: '', object }));
    writeFileSync(`${path}.next`, [...lines, textOf(change)].join(''), { mode: 0o600 });
    renameSync(`${path}.next`, path);
    spareLines = 0;
  };
  write({ version: store.version, table: '', key: '' }); // the version outlives the objects that it counted
  store.listen(({ version, table, key, after }) => write({ version, table, key, object: after }));
  return store;
}

const textOf = (line: Line): string => `${JSON.stringify(line)}\n`;

function read(text: string): Store {
  const objects = new Map<string, readonly [string, Stored]>();
  const lines = text.split('\n').slice(0, -1);
  const changes = lines.map((line) => JSON.parse(line) as Line);
  for (const { table, key, object } of changes) {
    if (object) objects.set(`${table} ${keyOf(object)}`, [table, object]);
    else objects.delete(`${table} ${key}`);
  }
  return new Store(objects.values(), changes.at(-1)?.version ?? 0);
}
