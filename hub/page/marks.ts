import { html } from './html.ts';

/** Drawn once, used everywhere: shapes that can be told apart without colour. */
export const marks = html`<svg width="0" height="0" class="sprite" aria-hidden="true">
  <symbol id="m-good" viewBox="0 0 16 16">
    <path d="M3.5 8.5l3 3 6-7" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" />
  </symbol>
  <symbol id="m-bad" viewBox="0 0 16 16">
    <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor" />
    <path d="M5.5 5.5l5 5m0-5l-5 5" stroke="var(--paper)" stroke-width="1.8" stroke-linecap="round" />
  </symbol>
  <symbol id="m-unknown" viewBox="0 0 16 16">
    <rect x="1.25" y="1.25" width="13.5" height="13.5" rx="2" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2" />
    <path
      d="M5.8 6.2c0-1.3 1-2.1 2.3-2.1s2.2.8 2.2 2c0 1.6-2.2 1.6-2.2 3.2"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
    />
    <circle cx="8.1" cy="11.8" r="1" fill="currentColor" />
  </symbol>
  <symbol id="m-moving" viewBox="0 0 16 16">
    <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />
    <path d="M8 2a6 6 0 010 12z" fill="currentColor" />
  </symbol>
  <symbol id="m-held" viewBox="0 0 16 16">
    <path d="M5.5 3.5v9M10.5 3.5v9" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" />
  </symbol>
  <symbol id="m-none" viewBox="0 0 16 16"><path d="M4.5 8h7" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" /></symbol>
  <symbol id="m-frozen" viewBox="0 0 16 16">
    <path
      d="M8 1.5v13M2.4 4.8l11.2 6.4M13.6 4.8L2.4 11.2M6.3 2.8L8 4.5l1.7-1.7M6.3 13.2L8 11.5l1.7 1.7"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </symbol>
  <symbol id="m-wheel" viewBox="0 0 24 24">
    <circle cx="12" cy="12" r="6.5" fill="none" stroke="currentColor" stroke-width="2" />
    <circle cx="12" cy="12" r="2" fill="currentColor" />
    <path
      d="M12 1v8M12 15v8M1 12h8M15 12h8M4.2 4.2l5.6 5.6M14.2 14.2l5.6 5.6M19.8 4.2l-5.6 5.6M9.8 14.2l-5.6 5.6"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
    />
  </symbol>
</svg>`;
