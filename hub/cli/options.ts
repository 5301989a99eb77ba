import { InvalidArgumentError, Option, type Command } from 'commander';
import { durationMs } from '#shared/kernel/mod.ts';
import { formsHelp } from './print/forms.ts';

// Options that several commands share, so that they mean the same everywhere.

export const duration = (text: string): number => {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Give a duration such as 90s, 5m or 1h30m.');
  return ms;
};

const whole = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
};

export const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export const tenant = (command: Command): Command => command.option('-t, --tenant <name>', 'of this tenant; TENANT/NAME does the same');

export const listing = (command: Command, limit: number): Command =>
  tenant(command)
    .option('-A, --all-tenants', 'of all tenants, as without -t; beside it, -t counts for nothing')
    .option('-o, --output <form>', formsHelp)
    .option('--field-selector <fields>', 'FIELD=VALUE,FIELD!=VALUE; a field that the kind does not have is answered with those that it has')
    .option('--limit <number>', 'how many at most; 0: all', whole, limit)
    .option('-w, --watch', 'go on, and print what changes')
    .option('--timeout <duration>', 'end a watch after this time, as if nothing else had come', duration)
    .option('--no-headers', 'without the line of titles');

interface Scoped {
  readonly tenant?: string;
  readonly allTenants?: boolean;
}

/** What was given to a listing: -A counts more than -t, as kubectl has it. */
export const scoped = <O extends Scoped>(given: O): O => {
  const { allTenants: _, tenant: __, ...all } = given;
  return given.allTenants ? (all as O) : given;
};

export const changing = (command: Command): Command =>
  command.option('--reason <text>', 'why; kept in the audit log, shown by audit and events');

export const unchanged = (command: Command): Command =>
  command.option('--exit-code-unchanged', 'exit code 3 when nothing had to be changed');

/** What is stopped is stopped for a reason, and maybe for a time. */
export const held = (command: Command): Command =>
  unchanged(command)
    .requiredOption('--reason <text>', 'why; everybody who waits for it is told')
    .option('--for <duration>', 'how long, such as 2h; then the hub lets it go by itself', duration)
    .option('--until <time>', 'until when, such as 2026-12-24T18:00:00Z');

export const version = (command: Command): Command =>
  command.option('--resource-version <version>', 'that it was read at; refused when it has changed since');

export const dry = (command: Command): Command => command.option('--dry-run', 'say what would happen, and change nothing');

/** The default is shown as people write it. */
export const durationOption = (flags: string, what: string, fallback: string): Option =>
  new Option(flags, what).argParser(duration).default(duration(fallback), fallback);

export const waiting = (command: Command, what: string): Command =>
  command
    .option('--wait', `until ${what}; what it waits for goes to stderr`)
    .addOption(durationOption('--timeout <duration>', 'of --wait; then exit code 4', '5m'));

export const files = (command: Command): Command =>
  command
    .requiredOption('-f, --filename <path>', 'file, folder, or - for stdin; may be given again', several)
    .option('-R, --recursive', 'look into the folders of a folder as well');

export const document = (command: Command): Command => command.option('-o, --output <form>', 'json|yaml');
