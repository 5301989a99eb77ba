// Apps: what tenants ship, into which targets, and the inputs that a placement of one runs with.
export { appById, appByName, appOf, appsFrom, declaredIn, targetById, targetsOf, type App, type Target } from './apps.ts';
export { resolveInputs, type InputsOf } from './inputs.ts';
