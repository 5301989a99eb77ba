// A whole fleet on one machine: started, given a job, watched through the hub's own API, ended without a trace.
export { StartError, startOptions, usage, type StartOptions } from './arguments.ts';
export { prepareCluster, type Clusters, type LocalCluster } from './clusters.ts';
export { startClusters } from './real-clusters.ts';
export { documentOf, type StartDocument } from './document.ts';
export { startLocalFleet, type Fleet, type FleetOptions } from './fleet.ts';
export { HubClient } from './hub-client.ts';
export { lineText, painted, type Line, type Look } from './lines.ts';
export { newsOf, nothing } from './news.ts';
export { memoryText, summaryLines, type Summary } from './summary.ts';
export { resourcesYaml, sampleApps, type Declared, type SampleApp } from './sample.ts';
export type { ClusterView, PlacementView, Snapshot } from './views.ts';
export { verdictOf, type Job, type Verdict } from './verdict.ts';
