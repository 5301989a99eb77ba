// Manifests: which Kubernetes objects the files of a variant are. Hub and spoke read them alike, so what one ships the other takes. Pure.
export { notRendered, objectsMax, readObjects, readObjectsInSteps, type Content, type Found, type Manifest } from './objects.ts';
