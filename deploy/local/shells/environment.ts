/** What a shell has to know of a fleet. */
export interface Surroundings {
  readonly data: string;
  readonly apiPort: number;
  /** NAME -> path of a repository that may be cloned from and pushed to: `$SHOP`. */
  readonly repositories: Readonly<Record<string, string>>;
  readonly kubeconfig: string;
}

/** As one word of a shell, whatever is in it. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Lines for any POSIX shell. Read twice they say the same; nobody's own Git name is touched. */
export function environmentText({ data, apiPort, repositories, kubeconfig }: Surroundings): string {
  return `# Read this into a shell: wheelhouse, git and kubectl then mean the fleet that npm start runs.
export FLEET=${quoted(data)}
${Object.entries(repositories)
  .map(([name, path]) => `export ${name}=${quoted(path)}\n`)
  .join('')}export WHEELHOUSE_URL=http://127.0.0.1:${apiPort}
export WHEELHOUSE_TOKEN_FILE="$FLEET/hub/keys/admin.token"
export KUBECONFIG=${quoted(kubeconfig)}
export KUBECACHEDIR="$FLEET/tmp/kubectl"
case ":$PATH:" in *":$FLEET/bin:"*) ;; *) export PATH="$FLEET/bin:$PATH" ;; esac
git config user.email >/dev/null 2>&1 || {
  export GIT_AUTHOR_NAME=You GIT_AUTHOR_EMAIL=you@wheelhouse.example
  export GIT_COMMITTER_NAME=You GIT_COMMITTER_EMAIL=you@wheelhouse.example
}
`;
}

/** A program that runs another with its own arguments, and these settings. */
export function wrapperText(command: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  return `#!/bin/sh\n${settings.join('')}exec ${command.map(quoted).join(' ')} "$@"\n`;
}

interface Kubeconfig {
  readonly clusters: readonly unknown[];
  readonly users: readonly unknown[];
  readonly contexts: readonly { readonly name: string }[];
}

/** One file with a context for each cluster; the first one is the current. Names are unique: each file is about one cluster and named after it. */
export function mergedKubeconfig(texts: readonly string[]): string {
  const all = texts.map((text) => JSON.parse(text) as Kubeconfig);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': all[0]?.contexts[0]?.name ?? '',
    clusters: all.flatMap(({ clusters }) => clusters),
    users: all.flatMap(({ users }) => users),
    contexts: all.flatMap(({ contexts }) => contexts),
  });
}
