/** What a token may do; each includes the ones before it. */
export const scopes = ['read', 'operate', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export const includes = (held: string, needed: Scope): boolean => scopes.indexOf(held as Scope) >= scopes.indexOf(needed);
