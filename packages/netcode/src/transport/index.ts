// Entry point `@tickwire/netcode/transport`: what a server shell or an own transport needs. Nothing here touches a browser.

export { type MemoryLink, type MemoryLinkOptions, memoryLink } from './memory.ts';
export {
  type Listener,
  MAX_DATAGRAM_BYTES,
  newTransportStats,
  type Transport,
  type TransportStats,
  type TransportTraits,
} from './transport.ts';
