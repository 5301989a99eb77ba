// Benches, and the generated fleets that they and tests measure and question.
export { drawContacts, environments, generateFleet, StillFleet, type FleetSize } from './fleets.ts';
