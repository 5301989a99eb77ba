// Environments: the stages of a tenant, the clusters that they select, and which come before which.
export { environmentById, environmentByName, environmentOf, environmentsOf, type Environment } from './environments.ts';
export { cycleFrom, predecessorsOf, type Order } from './order.ts';
