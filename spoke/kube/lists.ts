import { KubeError, isKubeError } from './errors.ts';
import type { RawPage } from './objects.ts';
import type { KubeObject, ListPage } from './port.ts';

/**
 * Every page of one version, or a rejection: half a list looks exactly like a cluster from which the other half was deleted. A continuation that
 * expired (410) or that turned to another version starts over once.
 */
export async function listAll(page: (continueToken: string) => Promise<RawPage>, itemsMax: number): Promise<ListPage> {
  try {
    return await pagesOf(page, itemsMax);
  } catch (error) {
    if (!isKubeError(error, 'GONE')) throw error;
    return await pagesOf(page, itemsMax);
  }
}

async function pagesOf(page: (continueToken: string) => Promise<RawPage>, itemsMax: number): Promise<ListPage> {
  const first = await page('');
  const items: KubeObject[] = [...first.items];
  for (let token = first.continueToken; token !== '';) {
    const next = await page(token);
    if (next.resourceVersion !== first.resourceVersion)
      throw new KubeError('GONE', `list: a page is of version ${next.resourceVersion}, the first one of ${first.resourceVersion}`);
    items.push(...next.items);
    if (items.length > itemsMax) throw new KubeError('TOO_LARGE', `list: more than ${itemsMax} objects`);
    token = next.continueToken;
  }
  return { items, resourceVersion: first.resourceVersion };
}
