import type { Command } from 'commander';
import type { ResourceList } from '#hub/api/mod.ts';
import { usageError } from '../exits.ts';
import { holdable } from './holds.ts';
import { kindOf, kinds } from '../kinds/kinds.ts';
import { collectionPath } from '../requests/lists.ts';
import type { Session } from '../session.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `# wheelhouse completion: eval "$(wheelhouse completion bash)"
_wheelhouse() {
  local IFS=$'\\n'
  COMPREPLY=($(wheelhouse __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _wheelhouse wheelhouse
`,
  zsh: `#compdef wheelhouse
# wheelhouse completion: eval "$(wheelhouse completion zsh)"
_wheelhouse() {
  local -a found
  found=("\${(@f)$(wheelhouse __complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  compadd -a found
}
compdef _wheelhouse wheelhouse
`,
};

export function completion(session: Session, shell: string): void {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) throw usageError(`there is no completion for ${shell}`, `one of ${Object.keys(scripts).join(', ')}`);
  session.io.out(script);
}

/** Commands whose first word is a kind, and those whose first word is of a kind. */
const takesKinds = ['get', 'describe', 'delete'];
const takesKind = [...takesKinds, 'events', 'audit'];
const takesNameOf: Readonly<Record<string, string>> = { tree: 'clusters', explain: 'clusters', promote: 'apps', sync: 'apps' };
const namesMax = 200;

/** What may come in place of the last of these words: commands, options, kinds, and names as the hub has them now. */
export async function complete(session: Session, program: Command, words: readonly string[]): Promise<void> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  const found = await candidates(session, program, before, last);
  session.print(found.filter((word) => word.startsWith(last)).toSorted());
}

async function candidates(session: Session, program: Command, before: readonly string[], last: string): Promise<readonly string[]> {
  const { command, rest } = descend(program, before);
  if (last.startsWith('-')) return [...command.options, ...program.options].flatMap(({ long }) => (long ? [long] : []));
  const inner = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
  if (inner.length > 0) return inner;
  const name = command.name();
  if (takesKind.includes(name) && rest.length === 0) {
    // The kinds before the last comma stay as they are.
    const [others = ''] = takesKinds.includes(name) ? (/^.*,/.exec(last) ?? []) : [];
    return kinds.map(({ plural }) => others + plural);
  }
  const stops = holdable[name as keyof typeof holdable];
  if (stops && rest.length === 0) return stops;
  if (stops) return rest[0] === 'fleet' ? [] : namesOf(session, rest[0] ?? '').catch(() => []);
  const kind = takesKind.includes(name) ? rest[0] : (takesNameOf[name] ?? (command.parent?.name() === 'cluster' ? 'clusters' : undefined));
  // Without a hub there is nothing to offer, and nothing to say in the middle of a line.
  return kind === undefined ? [] : namesOf(session, kind).catch(() => []);
}

function descend(program: Command, words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } {
  let command = program;
  for (const [index, word] of words.entries()) {
    const next = command.commands.find((one) => one.name() === word);
    if (!next) return { command, rest: words.slice(index) };
    command = next;
  }
  return { command, rest: [] };
}

async function namesOf(session: Session, word: string): Promise<readonly string[]> {
  const client = await session.client();
  const query = { fields: 'metadata.name,metadata.tenant', limit: String(namesMax) };
  const { body } = await client.send<ResourceList>({ method: 'GET', path: collectionPath(kindOf(word), undefined), query });
  const items = body.items as readonly { readonly metadata: { readonly tenant?: string; readonly name: string } }[];
  return items.map(({ metadata }) => (metadata.tenant ? `${metadata.tenant}/${metadata.name}` : metadata.name));
}
