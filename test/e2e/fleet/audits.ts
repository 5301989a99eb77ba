import { open, stat } from 'node:fs/promises';
import type { ControlPlane } from '#test/kube/mod.ts';

/** What the API server says that somebody asked of it. */
export interface Request {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly namespace?: string; readonly name?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code: number };
}

export const spokeAccount = 'system:serviceaccount:wheelhouse-system:wheelhouse-spoke';
export const tenantAccount = (tenant: string): string => `system:serviceaccount:wheelhouse-tenants:${tenant}`;

/** Of the spoke, or of a tenant that it acts for. */
export const isOurs = ({ user, impersonatedUser }: Request): boolean =>
  [user.username, impersonatedUser?.username].some((name) => name === spokeAccount || name?.startsWith(tenantAccount('')));

/** By intent: a dry run counts too. */
export const isMutating = ({ verb }: Request): boolean => !['get', 'list', 'watch'].includes(verb);

export const inWords = ({ verb, requestURI, user, impersonatedUser, responseStatus }: Request): string =>
  `${verb} ${requestURI} by ${impersonatedUser?.username ?? user.username}: ${responseStatus?.code}`;

/** Where the audit log of a cluster ends now; the API server writes a request down before it answers. */
export const auditMark = async (plane: Pick<ControlPlane, 'auditLog'>): Promise<number> => (await stat(plane.auditLog)).size;

/** Everything asked since then. The log is rotated at 100 MB, which no test comes near. */
export async function auditSince(plane: Pick<ControlPlane, 'auditLog'>, mark: number): Promise<readonly Request[]> {
  await using file = await open(plane.auditLog);
  const bytes = Buffer.alloc((await file.stat()).size - mark);
  await file.read(bytes, 0, bytes.length, mark);
  const text = bytes.toString();
  // The last line may be half written.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Request);
}
