import { isName } from '#shared/kernel/mod.ts';

const closed = ['kube-system', 'kube-public', 'kube-node-lease'];

/** Namespaces that no tenant gets; the spoke refuses them again. */
export const isClosedNamespace = (name: string): boolean => closed.includes(name) || name.startsWith('wheelhouse-');

const prefixPattern = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const wordPattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** `name` or `prefix.example.com/name`, as Kubernetes has it. */
export function isLabelKey(key: string): boolean {
  const [name = '', prefix, ...rest] = key.split('/').toReversed();
  return rest.length === 0 && wordPattern.test(name) && (prefix === undefined || prefixPattern.test(prefix));
}

export const isLabelValue = (value: string): boolean => value === '' || wordPattern.test(value);

export const isParameterName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/.test(name);

/** `*`, `Kind` or `Kind.group`. */
export const isKindPattern = (text: string): boolean => /^(\*|[A-Z][A-Za-z0-9]{0,62}(\.[a-z0-9][-a-z0-9.]{0,251})?)$/.test(text);

/** A branch or tag as Git would take it, without what URLs and shells read otherwise. */
export const isRefName = (name: string): boolean =>
  name.length <= 255 && /^[A-Za-z0-9_][\w./@+-]*$/.test(name) && !/\.\.|\/\/|@\{|\.lock(\/|$)|[./]$|\/\./.test(name);

export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** The normal form of a folder in a repository: no leading or trailing slash, '' for its root; undefined: not one. */
export function folderOf(path: string): string | undefined {
  const parts = path.replace(/^\.\//, '').split('/');
  if (parts.at(-1) === '') parts.pop();
  const folder = parts.join('/');
  if (folder === '' || folder === '.') return path.startsWith('/') ? undefined : '';
  const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return plain && folder.length <= 512 && /^[^\\\p{Cc}]+$/u.test(folder) ? folder : undefined;
}

export { isName };
