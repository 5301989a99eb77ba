import { appendFileSync, renameSync, statSync } from 'node:fs';
import type { Doc } from '../values.ts';

const bytesMax = 20_000_000;

/** Who asked what, a JSON line each, in the words of Kubernetes' audit log; the file before the last is kept. */
export class AuditLog {
  readonly path: string;
  #bytes: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  write(event: Doc): void {
    const line = `${JSON.stringify(event)}\n`;
    this.#bytes = (this.#bytes ?? statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) + line.length;
    if (this.#bytes > bytesMax) {
      renameSync(this.path, `${this.path}.1`);
      this.#bytes = line.length;
    }
    appendFileSync(this.path, line, { mode: 0o600 });
  }
}
