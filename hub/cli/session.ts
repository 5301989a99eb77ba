import { chooseHub, type Chosen } from './contexts/contexts.ts';
import { errorLines, type CliError } from './exits.ts';
import type { Io } from './io.ts';
import { paintFor, type Paint } from './print/colours.ts';
import { Client } from './requests/client.ts';

/** What every command has: the world, the hub that was chosen, and a way to say things. */
export class Session {
  readonly io: Io;
  readonly paint: Paint;
  /** Lines end at the edge of a terminal; in a pipe they are as long as they are. */
  readonly width: number | undefined;
  readonly #context: string | undefined;

  constructor(io: Io, context: string | undefined) {
    this.io = io;
    this.paint = paintFor(io);
    this.width = io.terminal ? io.columns : undefined;
    this.#context = context;
  }

  /** Throws CliError CONTEXT when none is chosen. */
  choose(): Promise<Chosen> {
    return chooseHub(this.io, this.#context);
  }

  async client(): Promise<Client> {
    return new Client((await this.choose()).connection, this.io);
  }

  /** Data. */
  print(lines: readonly string[]): void {
    if (lines.length > 0) this.io.out(`${lines.join('\n')}\n`);
  }

  /** Of several errors, one that is not the last. */
  sayError(error: CliError): void {
    this.io.err(`${errorLines(error).join('\n')}\n`);
  }

  /** Progress. */
  say(line: string): void {
    this.io.err(`${line}\n`);
  }
}
