export { openBrowser } from './browsers.ts';
