import { Command, InvalidArgumentError, Option } from 'commander';
import { durationMs } from '#shared/config/mod.ts';
import { deleteContext, init, listContexts, useContext } from './commands/contexts.ts';
import { get } from './commands/get.ts';
import { status } from './commands/status.ts';
import type { Exit } from './exits.ts';
import type { Io } from './io.ts';
import { formsHelp } from './print/forms.ts';
import { Session } from './session.ts';

const epilogue = `
Exit codes:
  0 ok   1 error   2 usage   3 unchanged (with --exit-code-unchanged)   4 timed out
  5 rollout failed   6 denied   7 refused by a guard   8 hub unreachable

The hub: --context, else WHEELHOUSE_URL with WHEELHOUSE_TOKEN_FILE, else the current context of
WHEELHOUSE_CONFIG (~/.config/wheelhouse/config.yaml). Begin with: wheelhouse init HUB_DATA_FOLDER
`;

const duration = (text: string): number => {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('a duration such as 90s or 5m.');
  return ms;
};
const whole = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('a whole number.');
  return Number(text);
};

type Values = Record<string, never>;

/** The whole command line: names, options, help. What a command does is in commands/. */
export function programOf(io: Io, leave: (exit: Exit) => void): Command {
  const program = new Command('wheelhouse');
  const session = (): Session => new Session(io, program.opts<{ context?: string }>().context);
  program
    .description('Sees and changes the fleet of a Wheelhouse hub.')
    .option('--context <name>', 'the hub to ask: a context of the config file')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .addHelpText('after', epilogue)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, helpWidth: 110 })
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      getOutHelpWidth: () => 110,
      getErrHelpWidth: () => 110,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  void leave;
  program
    .command('status')
    .description('the fleet in ten lines, what is wrong first')
    .option('-o, --output <form>', 'json|yaml')
    .action((options: Values) => status(session(), options));
  program
    .command('get <kind> [name...]')
    .description('lists things, or shows those that are named')
    .addOption(new Option('-t, --tenant <name>', 'of this tenant; else of all'))
    .option('-o, --output <form>', formsHelp)
    .option('-l, --selector <labels>', 'a=b,c!=d,e in (x,y),f,!f: of clusters, and of placements by their cluster')
    .option('--field-selector <fields>', 'status.health=Degraded,spec.environment!=prod')
    .option(
      '--sort-by <order>',
      "an order of the hub (health, name, created; - before it reverses), or a jsonpath such as '.metadata.name'",
    )
    .option('--limit <number>', 'how many at most; 0: all', whole, 500)
    .option('-w, --watch', 'go on, and print what changes')
    .option('--timeout <duration>', 'end a watch after this time', duration)
    .option('--no-headers', 'without the line of titles')
    .action((kind: string, names: string[], options: Values) => get(session(), [kind, ...names], options as never));
  program
    .command('init <folder>')
    .description('writes a context for the hub on this machine that keeps its data in this folder')
    .option('--name <name>', 'of the context', 'local')
    .option('--url <url>', 'where the hub listens, if the folder does not say')
    .action((folder: string, options: { name: string }) => init(session(), folder, options));
  const context = program.command('context').description('the hubs that this command knows');
  context
    .command('list')
    .description('all contexts')
    .action(() => listContexts(session()));
  context
    .command('use <name>')
    .description('makes one the current context')
    .action((name: string) => useContext(session(), name));
  context
    .command('delete <name>')
    .description('forgets one')
    .action((name: string) => deleteContext(session(), name));
  return program;
}
