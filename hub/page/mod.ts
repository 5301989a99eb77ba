// The page at /: the fleet as its API answers, for people with a browser.
export { FleetPage, type PageOptions } from './page.ts';
