import { version } from '#shared/kernel/mod.ts';
import { Command } from 'commander';
import { apply } from './commands/apply.ts';
import { accept, joinToken } from './commands/clusters.ts';
import { complete, completion } from './commands/completion.ts';
import { deleteContext, init, listContexts, useContext } from './commands/contexts.ts';
import { remove } from './commands/delete.ts';
import { describe } from './commands/describe.ts';
import { doctor } from './commands/doctor.ts';
import { audit, events } from './commands/events.ts';
import { explain } from './commands/explain.ts';
import { get } from './commands/get.ts';
import { hold } from './commands/holds.ts';
import { page } from './commands/page.ts';
import { promote } from './commands/promote.ts';
import { status } from './commands/status.ts';
import { sync } from './commands/sync.ts';
import { createToken, listTokens, revokeToken } from './commands/tokens.ts';
import { tree } from './commands/tree.ts';
import type { Exit } from './exits.ts';
import type { Io } from './io.ts';
import * as options from './options.ts';
import { Session } from './session.ts';

const epilogue = `
Exit codes:
  0 ok   1 error   2 usage   3 unchanged (with --exit-code-unchanged)   4 timed out
  5 rollout failed or stuck   6 denied   7 refused by a guard   8 hub unreachable

The hub: --context, else WHEELHOUSE_URL with WHEELHOUSE_TOKEN_FILE, else the current context of
WHEELHOUSE_CONFIG (~/.config/wheelhouse/config.yaml). Begin with: wheelhouse init HUB_DATA_FOLDER
`;
const helpWidth = 110;

/** The whole command line: names, options, help. What a command does is in commands/. */
export function programOf(io: Io, leave: (exit: Exit) => void): Command {
  const program = new Command('wheelhouse');
  const session = (): Session => new Session(io, program.opts<{ context?: string }>().context);
  const plain = {
    getOutHelpWidth: () => helpWidth,
    getErrHelpWidth: () => helpWidth,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  };
  program
    .description('Sees and changes the fleet of a Wheelhouse hub.')
    .version(version, '--version', 'of this command')
    .option('--context <name>', 'the hub to ask: a context of the config file')
    .helpCommand(false)
    .addHelpText('after', epilogue)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: io.out, writeErr: io.err, ...plain });
  looks(program, session, leave);
  changes(program, session, leave);
  tools(program, session);
  return program;
}

type Sessions = () => Session;
type Leave = (exit: Exit) => void;

/** What only looks. */
function looks(program: Command, session: Sessions, leave: Leave): void {
  options
    .document(program.command('status'))
    .description('the fleet in ten lines, what is wrong first')
    .action((given) => status(session(), given));
  options
    .listing(program.command('get <kind> [name...]'), 500)
    .description('lists things, or shows those that are named: KIND[,KIND] [NAME...], or KIND/NAME ...')
    .option('-l, --selector <labels>', 'a=b,c!=d,e in (x,y),f,!f: of clusters, and of placements by their cluster')
    .option('--sort-by <order>', "an order of the hub (health, name, created; - before it reverses), or a path such as '.metadata.name'")
    .action((kind, names, given) => get(session(), [kind, ...names], options.scoped(given)));
  options
    .tenant(program.command('describe <kind> [name...]'))
    .description('everything that is known of one thing, and what happened to it')
    .action((kind, names, given) => describe(session(), [kind, ...names], given));
  options
    .listing(program.command('events [kind] [name]'), 50)
    .description('what happened, to all or to one thing; the latest last')
    .option('--type <type>', 'Normal or Warning')
    .action((kind, name, given) => events(session(), [kind, name].filter(isGiven), options.scoped(given)));
  options
    .listing(program.command('audit [kind] [name]'), 50)
    .description('who did what, to all or to one thing, and why; the latest last')
    .option('--actor <name>', 'user:NAME or system:NAME')
    .option('--action <verb>', 'such as apply.app or start.rollout')
    .option('--subject <subject>', 'Kind/NAME or Kind/TENANT/NAME')
    .action((kind, name, given) => audit(session(), [kind, name].filter(isGiven), options.scoped(given)));
  options
    .tenant(program.command('tree <cluster> [app]'))
    .description('what is on a cluster and how it is; of one app also where it came from')
    .action((cluster, app, given) => tree(session(), cluster, app, given));
  options
    .document(options.tenant(program.command('explain <cluster/app>')))
    .description('why an app on a cluster is as it is: wanted, why, state, what it waits for, since when; CLUSTER/TENANT/APP')
    .action((word, given) => explain(session(), word, given));
  options
    .document(program.command('doctor'))
    .description('looks for what may be wrong between here and the fleet, and says what to do')
    .action(async (given) => leave(await doctor(session(), given)));
}

const isGiven = (word: string | undefined): word is string => word !== undefined;

/** What changes something; each takes a reason. */
function changes(program: Command, session: Sessions, leave: Leave): void {
  const unchanged = 'exit code 3 when nothing had to be changed';
  options
    .waiting(options.dry(options.changing(options.files(program.command('apply')))), 'what was applied is rolled out and healthy')
    .description('declares resources, all of them or none; every mistake is reported at once')
    .option('-o, --output <form>', 'json|yaml|name')
    .option('--exit-code-unchanged', unchanged)
    .action(async (given) => leave(await apply(session(), given)));
  options
    .version(options.dry(options.changing(options.tenant(program.command('delete [kind] [name...]')))))
    .description('deletes what people declared, when nothing depends on it any more; with -f all that the files name, or nothing')
    .option('-f, --filename <path>', 'file, folder, or - for stdin; may be given again', options.several)
    .option('-R, --recursive', 'look into the folders of a folder as well')
    .option('--ignore-not-found', 'what is not there is as good as deleted')
    .action(async (kind, names, given) => leave(await remove(session(), [kind, ...names].filter(isGiven), given)));
  options
    .waiting(options.version(options.dry(options.changing(options.tenant(program.command('promote <app>'))))), 'its rollout has ended')
    .description('offers a release to an environment by hand')
    .requiredOption('--to <environment>', 'where to')
    .option('--release <alias>', 'which; else the one that the environments before it run, in a first one the newest')
    .option('--exit-code-unchanged', unchanged)
    .action(async (app, given) => leave(await promote(session(), app, given)));
  options
    .waiting(
      options.dry(options.changing(options.tenant(program.command('sync <app>')))),
      'what was found has been rolled out as far as it goes by itself; of a cluster, until it has looked',
    )
    .description(
      "looks at an app's source now, instead of at the next poll; CLUSTER/APP, CLUSTER/TENANT/APP: has that cluster look again now",
    )
    .action((app, given) => sync(session(), app, given));
  stops(program, session, leave);
  const cluster = program.command('cluster').description('lets agents become clusters');
  options
    .changing(cluster.command('join-token <name>'))
    .description('makes a token that lets one agent become this cluster; the token alone is on stdout')
    .addOption(options.durationOption('--ttl <duration>', 'how long it is good', '1h'))
    .option('--accepted', 'the agent that uses it is accepted without being asked again')
    .action((name, given) => joinToken(session(), name, given));
  options
    .dry(options.changing(cluster.command('accept <name>')))
    .description('accepts the agent that has asked to be this cluster')
    .option('--exit-code-unchanged', unchanged)
    .action(async (name, given) => leave(await accept(session(), name, given)));
  tokens(program, session);
}

/** Who may ask the hub what. */
function tokens(program: Command, session: Sessions): void {
  const token = program.command('token').description('lets people and machines ask the hub, as far as a scope reaches');
  options
    .changing(token.command('create'))
    .description('makes a token; the token alone is on stdout')
    .requiredOption('--scope <scope>', 'read (looks), operate (promotes, syncs, stops), admin (everything)')
    .option('--name <name>', 'whom the audit log names; else one is made up')
    .addOption(options.durationOption('--ttl <duration>', 'how long it is good, 1m to 365d', '30d'))
    .action((given) => createToken(session(), given));
  options
    .document(token.command('list'))
    .description('the tokens that are good now, never themselves; newest first')
    .option('--no-headers', 'without the line of titles')
    .action((given) => listTokens(session(), given));
  options
    .dry(options.changing(token.command('revoke <id>')))
    .description('ends a token at once')
    .action((id, given) => revokeToken(session(), id, given));
}

/** What makes things stand still, and lets them go on. */
function stops(program: Command, session: Sessions, leave: Leave): void {
  options
    .held(options.dry(options.tenant(program.command('freeze <kind> [name...]'))))
    .description('cluster: it gets nothing new; environment, fleet: nothing begins there, and what runs starts no further cluster')
    .action(async (kind, names, given) => leave(await hold(session(), 'freeze', [kind, ...names], given)));
  options
    .unchanged(options.dry(options.changing(options.tenant(program.command('unfreeze <kind> [name...]')))))
    .description('lets a cluster, an environment or the fleet go on')
    .action(async (kind, names, given) => leave(await hold(session(), 'unfreeze', [kind, ...names], given)));
  options
    .held(options.dry(options.tenant(program.command('suspend <kind> [name...]'))))
    .description('rollout: it starts no further cluster; app: it is left alone, drift included')
    .option('--cluster <name>', 'of an app: on this cluster only')
    .action(async (kind, names, given) => leave(await hold(session(), 'suspend', [kind, ...names], given)));
  options
    .unchanged(options.dry(options.changing(options.tenant(program.command('resume <kind> [name...]')))))
    .description('lets a rollout go on, or an app be managed again')
    .option('--cluster <name>', 'of an app: on this cluster only')
    .action(async (kind, names, given) => leave(await hold(session(), 'resume', [kind, ...names], given)));
}

/** What concerns this command itself. */
function tools(program: Command, session: Sessions): void {
  program
    .command('init <folder>')
    .description('writes a context for the hub on this machine that keeps its data in this folder')
    .option('--name <name>', 'of the context', 'local')
    .option('--url <url>', 'where the hub listens, if the folder does not say')
    .action((folder, given) => init(session(), folder, given));
  const context = program.command('context').description('the hubs that this command knows');
  context
    .command('list')
    .description('all contexts')
    .action(() => listContexts(session()));
  context
    .command('use <name>')
    .description('makes one the current context')
    .action((name) => useContext(session(), name));
  context
    .command('delete <name>')
    .description('forgets one')
    .action((name) => deleteContext(session(), name));
  program
    .command('page')
    .description('makes a link that shows the fleet in a browser; good once, and soon')
    .action(() => page(session()));
  program
    .command('completion <shell>')
    .description('a script that completes commands, kinds and names: bash or zsh')
    .action((shell) => completion(session(), shell));
  program
    .command('__complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action((words) => complete(session(), program, words));
}
