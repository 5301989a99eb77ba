import { canonicalJson, type Digest } from '#shared/kernel/mod.ts';
import {
  put,
  type AuditEntry,
  type CommitRow,
  type DecideContext,
  type Decision,
  type ReleaseRow,
  type TakenCommitRow,
  type VariantRow,
  type Write,
} from '#hub/store/mod.ts';

/** What a commit came to. */
export type Outcome = CommitRow['outcome'];

export interface Commit {
  readonly commit: string;
  readonly author: string;
  readonly message: string;
  /** Epoch milliseconds. */
  readonly committedAt: number;
}

export interface Built {
  readonly digest: Digest;
  readonly alias: string;
  /** host[:port]/path */
  readonly repository: string;
  readonly images: readonly string[];
  readonly variants: readonly Pick<VariantRow, 'environment' | 'digest' | 'layer_hash' | 'layer_bytes'>[];
}

/** What the record knows of an app's commits. */
export interface Known {
  readonly appId: number;
  readonly generation: number;
  /** The commit that was taken in last. */
  readonly taken: Omit<TakenCommitRow, 'app_id'> | undefined;
  /** App/tenant/name */
  readonly subject: string;
  readonly lastCommit: Pick<CommitRow, 'commit' | 'outcome' | 'outcome_message'> | undefined;
  readonly newest:
    | (Pick<ReleaseRow, 'id' | 'alias'> & { readonly variants: readonly Pick<VariantRow, 'environment' | 'layer_hash'>[] })
    | undefined;
  /** Alias of the release that has the digest of what was built. */
  readonly same: string | undefined;
  readonly targetIds: readonly number[];
}

export interface Recorded {
  readonly outcome: Outcome;
  readonly message: string;
  /** Digest of the release, when one was made. */
  readonly digest?: Digest;
}

/** Every environment that the app names would run what the newest release has for it. One that it names no more says nothing. */
export const isSame = (built: Built, newest: Known['newest']): boolean =>
  newest !== undefined &&
  built.variants.every(({ environment, layer_hash }) =>
    newest.variants.some((variant) => variant.environment === environment && variant.layer_hash === layer_hash),
  );

const authorMaxCharacters = 256;
const messageMaxCharacters = 2_000;

/** Records what a commit came to, once: the same commit with the same outcome writes nothing. Pure. */
export function decideCommit(
  known: Known,
  commit: Commit,
  built: Built | Error,
  traceparent: string,
  context: DecideContext,
): Decision<Recorded> {
  const recorded = outcomeOf(known, built);
  const { lastCommit, appId } = known;
  const repeated = lastCommit?.commit === commit.commit && (recorded.outcome === 'NoChange' || isRepeat(lastCommit, recorded));
  const taken = takenWrites(known, commit.commit, recorded);
  if (repeated) return { result: recorded, writes: taken };
  const row: CommitRow = {
    id: context.newId(),
    app_id: appId,
    commit: commit.commit,
    author: line(commit.author, authorMaxCharacters),
    message: commit.message.toWellFormed().slice(0, messageMaxCharacters),
    committed_at: commit.committedAt,
    seen_at: context.now,
    outcome: recorded.outcome,
    outcome_message: recorded.message,
    traceparent,
  };
  const released = recorded.outcome === 'Released' && !(built instanceof Error) ? releaseWrites(appId, row.id, built, context) : [];
  return {
    result: recorded,
    writes: [put('commits', row), ...taken, ...released],
    audit: auditOf(known.subject, row, recorded),
    outbox: released.length > 0 ? known.targetIds.map((id) => `target:${id}`) : [],
  };
}

/** Whether nothing about this commit can have changed since it was taken in. */
export const isTaken = ({ taken, generation }: Pick<Known, 'taken' | 'generation'>, commit: string): boolean =>
  taken?.commit === commit && taken.generation === generation;

/** One that failed is looked at again after a restart: a newer hub may know better. */
const takenWrites = (known: Known, commit: string, { outcome }: Recorded): Write[] =>
  outcome === 'Failed' || isTaken(known, commit)
    ? []
    : [put('taken_commits', { app_id: known.appId, generation: known.generation, commit })];

const isRepeat = (last: Pick<CommitRow, 'outcome' | 'outcome_message'>, { outcome, message }: Recorded): boolean =>
  last.outcome === outcome && last.outcome_message === message;

function outcomeOf({ newest, same }: Known, built: Built | Error): Recorded {
  if (built instanceof Error) return { outcome: 'Failed', message: built.message.toWellFormed().slice(0, messageMaxCharacters) };
  if (isSame(built, newest)) return { outcome: 'NoChange', message: `the same content as release ${newest?.alias}` };
  // Releases are only ever followed by newer ones. What it was before is asked for by a commit that says so, or by rolling back.
  if (same !== undefined)
    return {
      outcome: 'Failed',
      message: `the source has gone back to release ${same}: revert by a new commit, or roll back to that release`,
    };
  return { outcome: 'Released', message: `release ${built.alias}`, digest: built.digest };
}

function releaseWrites(appId: number, commitId: number, built: Built, { now, newId, newUid }: DecideContext): Write[] {
  const { digest, alias, repository } = built;
  const release: ReleaseRow = {
    id: newId(),
    uid: newUid('r'),
    app_id: appId,
    digest,
    alias,
    repository,
    commit_id: commitId,
    images: canonicalJson(built.images),
    created_at: now,
  };
  return [
    put('releases', release),
    ...built.variants.map((variant) => put('variants', { ...variant, id: newId(), release_id: release.id })),
  ];
}

/** By whom: the commit's author is what Git says, vouched for by nobody. */
function auditOf(subject: string, { commit, author }: CommitRow, { outcome, message, digest }: Recorded): AuditEntry {
  const mail = /<([^<>]+)>/.exec(author)?.[1];
  const who = mail ?? author;
  return {
    actor: who === '' ? 'system:sources' : `git:${who}`,
    action: outcome === 'Released' ? 'create.release' : 'see.commit',
    subject,
    reason: line(message, messageMaxCharacters),
    detail: { commit, outcome, ...(digest === undefined ? {} : { digest }) },
  };
}

const line = (text: string, charactersMax: number): string =>
  text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, charactersMax)
    .toWellFormed();
