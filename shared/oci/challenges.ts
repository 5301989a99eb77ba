/** What a registry wants to see before it answers. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined; readonly scope: string | undefined };

const headerMaxCharacters = 4096;
const piece = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?[\s,]*/y;

/**
 * The challenges of a WWW-Authenticate header (RFC 9110, section 11), Bearer before Basic. A bare word begins a challenge, `name=value` belongs to the one
 * before it. Undefined: none that we can answer, or a header that cannot be read.
 */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > headerMaxCharacters) return undefined;
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  piece.lastIndex = 0;
  while (piece.lastIndex < header.length) {
    const [found, name = '', quotedValue, bareValue] = piece.exec(header) ?? [];
    if (found === undefined) return undefined;
    const value = quotedValue?.replaceAll(/\\(.)/g, '$1') ?? bareValue;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  for (const { scheme, parameters } of challenges) {
    const realm = parameters.get('realm');
    if (scheme === 'bearer' && realm !== undefined)
      return { scheme, realm, service: parameters.get('service'), scope: parameters.get('scope') };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
}
