import { isIPv6 } from 'node:net';

/** Groups of an IPv6 address, and how many name its network: whoever has that has all the 2^64 addresses in it. */
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** By what an address is limited: itself, or for IPv6 its network (/64). */
export function addressKeyOf(address: string): string {
  if (!address.includes(':') || !isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const rest = tail.split(':').filter((group) => group !== '');
  // `::` stands for as many zeros as are missing.
  const zeros = Array.from({ length: Math.max(0, GROUPS - groups.length - rest.length) }, () => '0');
  const network = [...groups, ...zeros, ...rest].slice(0, NETWORK_GROUPS);
  return `${network.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
