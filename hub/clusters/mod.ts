// Clusters: the spokes of the fleet as declared at the hub. Identity owns who they are, this module what they are called and how they are selected.
export { clusterById, clusterByName, clusterByUid, clusterOf, clustersFrom, clustersSelectedBy, type Cluster } from './clusters.ts';
