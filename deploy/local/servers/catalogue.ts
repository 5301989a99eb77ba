export type ServerName = 'nats' | 'registry' | 'git' | 'kubectl' | 'chromium';

/** One program that a local fleet needs, or its visitors, and the ways to it. */
export interface Catalogued {
  /** Names under which it may be on PATH. */
  readonly commands: readonly string[];
  readonly versionArgs: readonly string[];
  /** Finds the version in what it says: another program of the same name does not match. */
  readonly version: RegExp;
  /** Must succeed too: a part that some packages leave out. */
  readonly needs?: readonly string[];
  readonly debian: {
    readonly package: string;
    /** Also what it depends on and this machine has not. */
    readonly dependencies?: true;
    /** More packages that it is of no use without. */
    readonly also?: readonly string[];
    /** Below the folder that the package is unpacked into. */
    readonly command: string;
    /** Paths below that folder; of several, all. */
    readonly env?: Readonly<Record<string, string | readonly string[]>>;
  };
  readonly go?: { readonly package: string; readonly command: string };
  readonly install: string;
}

// Programs of the Debian packages find their parts through these; values are relative to the unpacked folder.
const gitParts = { GIT_EXEC_PATH: 'usr/lib/git-core', GIT_TEMPLATE_DIR: 'usr/share/git-core/templates' };

export const catalogue: Readonly<Record<ServerName, Catalogued>> = {
  nats: {
    commands: ['nats-server'],
    versionArgs: ['--version'],
    version: /^nats-server: v(\d+\.\d+\.\d+)/m,
    debian: { package: 'nats-server', command: 'usr/sbin/nats-server' },
    go: { package: 'github.com/nats-io/nats-server/v2@v2.15.2', command: 'nats-server' },
    install: 'nats-server 2.9 or later (https://nats.io/download)',
  },
  registry: {
    commands: ['docker-registry', 'registry'],
    versionArgs: ['--version'],
    version: /distribution\S* v?(\d+\.\d+\.\d+)/,
    debian: { package: 'docker-registry', command: 'usr/bin/docker-registry' },
    go: { package: 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2', command: 'registry' },
    install: 'the registry of the distribution project (https://distribution.github.io/distribution)',
  },
  git: {
    commands: ['git'],
    versionArgs: ['--version'],
    version: /^git version (\d+\.\d+(?:\.\d+)?)/m,
    needs: ['http-backend'],
    debian: { package: 'git', command: 'usr/bin/git', env: gitParts },
    install: 'git 2.31 or later with git-http-backend (https://git-scm.com/downloads)',
  },
  chromium: {
    commands: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
    versionArgs: ['--version'],
    version: /^(?:Chromium|Google Chrome|HeadlessChrome)\D* (\d+(?:\.\d+)+)/m,
    debian: {
      package: 'chromium-headless-shell',
      dependencies: true,
      also: ['fonts-dejavu-core', 'fontconfig-config'],
      command: 'usr/lib/chromium/chromium-headless-shell',
      env: {
        LD_LIBRARY_PATH: ['usr/lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu/pulseaudio', 'usr/lib/aarch64-linux-gnu'],
      },
    },
    install: 'Chromium (Debian: chromium-headless-shell)',
  },
  kubectl: {
    commands: ['kubectl'],
    versionArgs: ['version', '--client'],
    version: /(?:Client Version: |GitVersion:")v(\d+\.\d+\.\d+)/,
    debian: { package: 'kubernetes-client', command: 'usr/bin/kubectl' },
    install: 'kubectl (https://kubernetes.io/docs/tasks/tools)',
  },
};
