import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { RpcError } from './errors.ts';

/**
 * The certificate authority of a server that nothing is known of but the sha256 of that authority's certificate (DER). Nothing is sent to the server before
 * the pin has been found in its chain; what is returned (PEM) then verifies every later connection in full.
 */
export function pinnedAuthority(address: string, pin: Uint8Array, signal: AbortSignal): Promise<string> {
  const { hostname: host, port } = new URL(`tls://${address}`);
  return new Promise((resolve, reject) => {
    const fail = (code: 'PIN_MISMATCH' | 'UNAVAILABLE', message: string, cause?: unknown): void => {
      socket.destroy();
      signal.removeEventListener('abort', aborted);
      reject(signal.aborted ? (signal.reason as Error) : new RpcError(code, message, { cause }));
    };
    const aborted = (): void => fail('UNAVAILABLE', `connecting to ${address} was stopped`);
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'], timeout: 10_000 }, () => {
      for (const der of chainOf(socket.getPeerCertificate(true))) {
        if (!timingSafeEqual(createHash('sha256').update(der).digest(), pin)) continue;
        socket.destroy();
        signal.removeEventListener('abort', aborted);
        resolve(new X509Certificate(der).toString());
        return;
      }
      fail('PIN_MISMATCH', `${address} does not present the authority that the join token pins: wrong hub, or somebody in between`);
    });
    socket.on('error', (error) => fail('UNAVAILABLE', `cannot reach the hub at ${address}: ${error.message}`, error));
    socket.on('timeout', () => fail('UNAVAILABLE', `the hub at ${address} does not answer`));
    signal.addEventListener('abort', aborted, { once: true });
  });
}

/** At most ten certificates: the chain of a foreign server is foreign input. A self-signed one names itself as issuer. */
function chainOf(leaf: DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw && chain.length < 10; one = one.issuerCertificate) {
    chain.push(one.raw);
    if (one.issuerCertificate === one) break;
  }
  return chain;
}
