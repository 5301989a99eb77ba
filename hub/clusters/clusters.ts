import { selects, type Labels, type LabelSelector } from '#hub/resources/mod.ts';
import type { ClusterRow, Reader } from '#hub/store/mod.ts';

/** One spoke, as declared and as enrolled. */
export interface Cluster {
  readonly id: number;
  readonly name: string;
  /** Of the current enrolment; null before the first one. */
  readonly uid: string | null;
  readonly state: ClusterRow['state'];
  /** Set at the hub; what a spoke says of itself is not among them. */
  readonly labels: Labels;
  readonly parameters: Readonly<Record<string, string>>;
  readonly generation: number;
}

export const clusterOf = (row: ClusterRow): Cluster => ({
  id: row.id,
  name: row.name,
  uid: row.uid,
  state: row.state,
  labels: JSON.parse(row.labels) as Labels,
  parameters: JSON.parse(row.parameters) as Record<string, string>,
  generation: row.generation,
});

const clusters = (read: Reader) => read.selectFrom('clusters').selectAll();

export async function clusterById(read: Reader, id: number): Promise<Cluster | undefined> {
  const row = await clusters(read).where('id', '=', id).executeTakeFirst();
  return row && clusterOf(row);
}

export async function clusterByUid(read: Reader, uid: string): Promise<Cluster | undefined> {
  const row = await clusters(read).where('uid', '=', uid).executeTakeFirst();
  return row && clusterOf(row);
}

export async function clusterByName(read: Reader, name: string): Promise<Cluster | undefined> {
  const row = await clusters(read).where('name', '=', name).executeTakeFirst();
  return row && clusterOf(row);
}

/** In the order of names, from the one after `after`; at most `limitMax`. */
export async function clustersFrom(read: Reader, after = '', limitMax = 500): Promise<readonly Cluster[]> {
  const rows = await clusters(read).where('name', '>', after).orderBy('name').limit(limitMax).execute();
  return rows.map(clusterOf);
}

/**
 * The clusters that a selector matches, enrolled or not, in the order of names. Walks all of them, page by page: for planning a change of membership,
 * not for every event.
 */
export async function clustersSelectedBy(read: Reader, selector: LabelSelector): Promise<readonly Cluster[]> {
  const selected: Cluster[] = [];
  for (let page = await clustersFrom(read); page.length > 0; page = await clustersFrom(read, page.at(-1)?.name))
    selected.push(...page.filter(({ labels }) => selects(selector, labels)));
  return selected;
}
