// The sandbox: small Kubernetes API servers in this process, for a fleet on a laptop and for thousands of simulated clusters.
export { SandboxError, startSandbox, type Sandbox, type SandboxCluster, type SandboxOptions } from './sandboxes.ts';
