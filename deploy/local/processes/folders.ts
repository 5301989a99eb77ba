import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardFolder, removeFolder } from './guards.ts';

export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** A new folder among the temporary ones, readable by this user only. Removed when it is disposed of, and with this process, whatever way that ends. */
export function temporaryFolder(name: string): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `wheelhouse-${name}-`));
  guardFolder(path);
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}
