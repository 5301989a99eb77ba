/** Of hub, spoke and command: that of the package, which a bundle cannot look up. A test holds the two together. */
export const version = '0.1.0';
