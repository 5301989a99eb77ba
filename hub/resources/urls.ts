// Where sources live: which addresses can be used at all, and whether a tenant's patterns allow one.

export const urlMaxCharacters = 1024;

/** Why a Git address cannot be used; undefined: it can. Never quotes the address: it may hold a secret. */
export function gitUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || text.length > urlMaxCharacters) return `is not a URL of at most ${urlMaxCharacters} characters`;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not an https:// or http:// URL';
  if (url.username !== '' || url.password !== '') return 'has credentials in it: name them under credentials instead';
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) return 'has a query or a fragment';
  // What one side reads as a separator and the other as a letter would step around the tenant's patterns.
  if (/%2f|%5c|\\/i.test(text)) return 'has an encoded or backward slash';
  return undefined;
}

/** 127.0.0.0/8, ::1, localhost: no network sees it. */
export const isLoopback = (url: URL): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);

/** Why a pattern of allowed sources cannot be used; undefined: it can. */
export function sourcePatternFault(pattern: string): string | undefined {
  const [scheme, empty, host, ...rest] = pattern.split('/');
  if (scheme !== 'https:' && scheme !== 'http:') return 'does not begin with https:// or http://';
  if (empty !== '' || !host || rest.length === 0) return 'is not scheme://host/path';
  if (/[@?#\\\s]/.test(pattern) || pattern.length > urlMaxCharacters) return 'has a character that no allowed address has';
  if (rest.slice(0, -1).includes('**') || host === '**') return 'has ** before its end';
  return undefined;
}

/**
 * Whether an address is one that the pattern names. `*` stands for any characters of one segment (the host is one), a last `**` for one or more whole
 * segments: no pattern reaches another host. The address is compared in its normal form, so `..` does not step out.
 */
export function matchesSource(pattern: string, address: string): boolean {
  const url = URL.parse(address);
  if (!url || gitUrlFault(address) !== undefined) return false;
  const wanted = pattern.split('/');
  const given = `${url.protocol}//${url.host}${url.pathname}`.split('/');
  if (wanted.at(-1) === '**') {
    if (given.length < wanted.length || given.at(-1) === '') return false;
    wanted.pop();
    given.length = wanted.length;
  }
  return wanted.length === given.length && wanted.every((glob, i) => matchesGlob(glob, given[i] ?? ''));
}

/** `*` for any characters; goes back to the last `*` only, so it costs at most pattern x text. */
function matchesGlob(glob: string, text: string): boolean {
  let [g, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++;
      mark = t;
    } else if (glob[g] === text[t]) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++mark;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
