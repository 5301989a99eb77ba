import { compareVersions, inRange, parseRange, parseVersion, type GitRef } from '#hub/resources/mod.ts';

/** A ref as a server lists it. `peeled`: what an annotated tag points to. */
export interface ListedRef {
  readonly ref: string;
  readonly oid: string;
  readonly peeled?: string | undefined;
}

/** What is listed for a ref: everything else is left out by the server already. undefined: the ref is a commit, nothing needs listing. */
export function prefixOf(ref: GitRef): string | undefined {
  if ('branch' in ref) return `refs/heads/${ref.branch}`;
  if ('tag' in ref) return `refs/tags/${ref.tag}`;
  return 'semver' in ref ? 'refs/tags/' : undefined;
}

/** The listed ref that an app follows: a branch or tag by its whole name, or the highest version in a range. Pure. */
export function followed(ref: GitRef, listed: readonly ListedRef[]): ListedRef | undefined {
  if (!('semver' in ref)) return listed.find((one) => one.ref === prefixOf(ref));
  const range = parseRange(ref.semver) ?? [];
  const versions = listed.flatMap((one) => {
    const version = parseVersion(one.ref.replace(/^refs\/tags\//, ''));
    return version && inRange(range, version) ? [{ one, version }] : [];
  });
  return versions.reduce<(typeof versions)[number] | undefined>(
    (best, next) => (best && compareVersions(best.version, next.version) >= 0 ? best : next),
    undefined,
  )?.one;
}

export const commitOf = ({ oid, peeled }: ListedRef): string => peeled ?? oid;

export const refText = (ref: GitRef): string =>
  Object.entries(ref)
    .filter(([, value]) => value !== undefined)
    .map(([kind, value]) => `${kind} ${value}`)
    .join(', ');
