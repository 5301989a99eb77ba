// Who may be a spoke: the fleet's keys, join tokens, enrolment, certificates.
export { decideEnrolment, decideRenewal, renewalGraceMs } from './decide.ts';
export { serveEnrolment, serverTls, type ListenOptions } from './enrolment.ts';
export { IdentityError, type IdentityCode } from './errors.ts';
export { openFleet, type FleetTrust } from './fleet.ts';
export { keysExist, loadKeys, type HubKeys } from './keys.ts';
export { Identities, type IdentityOptions } from './service.ts';
