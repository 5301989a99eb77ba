// Who this spoke is.
export { mayPass } from './ask.ts';
export { SpokeIdentity, type SpokeIdentityOptions } from './service.ts';
export { IdentityError, verified, type Verified } from './verify.ts';
