export type Files = ReadonlyMap<string, Uint8Array>;

/** What a source holds at one commit. */
export interface Snapshot {
  readonly commit: string;
  /** By path below the source's own path; never empty. */
  readonly files: Files;
  /** `Name <mail>`, as the commit says it. */
  readonly author: string;
  readonly message: string;
  /** Epoch milliseconds, as the commit says it. */
  readonly committedAt: number;
}

/** Where an app comes from. Both reject with SourceError, or with the signal's reason. */
export interface Source {
  /** The commit that the app should be made of now. */
  head(signal: AbortSignal): Promise<{ readonly commit: string }>;
  /** Its files. What is missing, unreadable or empty is an error: nobody ever reads "nothing" from a failure. */
  read(commit: string, signal: AbortSignal): Promise<Snapshot>;
}

export type SourceCredential = { readonly username: string; readonly password: string };

/** Finds a credential by the name that an app gives it; asked at each use, never kept. undefined: there is none of that name. */
export type SourceCredentials = (name: string, signal: AbortSignal) => Promise<SourceCredential | undefined>;
