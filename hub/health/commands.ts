import type { Command, CommandResult } from '#proto/mod.ts';
import type { Cancel, Clock } from '#shared/clock/mod.ts';
import { CodedError } from '#shared/kernel/mod.ts';

export type CommandCode = 'CLUSTER_UNREACHABLE' | 'COMMAND_TIMED_OUT';

/** A cluster was asked to do something, and did not answer. */
export class CommandError extends CodedError<CommandCode> {
  override readonly name = 'CommandError';
}

export type Order = NonNullable<Command['command']>;

interface Waiting {
  readonly id: string;
  readonly answer: Promise<CommandResult>;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: CommandError) => void;
  readonly cancel: Cancel;
}

/** The spoke's own answer is given this long beyond its deadline. */
const graceMs = 1_000;

/** What was asked on one stream and has not been answered. The same order again joins the one under way, so their number has the bound of what is placed. */
export class Commands {
  readonly #clock: Clock;
  readonly #send: (command: Command) => void;
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  constructor(clock: Clock, send: (command: Command) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Rejects with CommandError. */
  ask(order: Order, deadlineMs: number): Promise<CommandResult> {
    const key = JSON.stringify(order);
    const known = this.#waiting.get(key);
    if (known) return known.answer;
    const id = String(++this.#last);
    const { promise: answer, resolve, reject } = Promise.withResolvers<CommandResult>();
    const cancel = this.#clock.after(deadlineMs + graceMs, () => this.#leave(key)?.reject(timedOut(deadlineMs)));
    this.#waiting.set(key, { id, answer, resolve, reject, cancel });
    this.#send({ id, deadlineMs, command: order });
    return answer;
  }

  /** Ignores answers that nobody waits for any more. */
  answered(result: CommandResult): void {
    const [key] = [...this.#waiting].find(([, { id }]) => id === result.id) ?? [];
    const waiting = key === undefined ? undefined : this.#leave(key);
    if (result.code === 'DeadlineExceeded') waiting?.reject(new CommandError('COMMAND_TIMED_OUT', result.message.slice(0, 512)));
    else waiting?.resolve(result);
  }

  ended(): void {
    for (const key of this.#waiting.keys())
      this.#leave(key)?.reject(new CommandError('CLUSTER_UNREACHABLE', 'the connection was lost before it answered'));
  }

  #leave(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.cancel();
    return waiting;
  }
}

const timedOut = (deadlineMs: number): CommandError => new CommandError('COMMAND_TIMED_OUT', `no answer within ${deadlineMs / 1000} s`);
