// Account: what energy is spent on, price by price, and bytes by kind, summed up in the order in which they are charged.

import type { Bytes, Picojoules } from '../base/units.ts';
import { type Hardware, PRICES, type Price } from '../hardware/hardware.ts';
import type { Stream } from './jobs.ts';
import { COMPONENTS, type Component, type Trace } from './trace.ts';

type Kind = keyof Trace['bytes'];
const KINDS: readonly Kind[] = ['externalRead', 'externalWrite', 'buffer', 'memoryArrays', 'weightsFetched'];

/** Numbers of each price, in the order of PRICES. */
export type Usage = Float64Array;

/** What statements cost, entry by entry: numbers of a price and of a kind of traffic, or KINDS.length for none. */
export interface Charges {
  readonly price: Uint8Array;
  readonly usage: Float64Array;
  readonly kind: Uint8Array;
  readonly bytes: Float64Array;
}

/** Of all statements, each with its streams. */
export function chargesOf(statements: readonly (readonly Stream[])[]): Charges {
  let length = 0;
  for (const streams of statements) length += streams.length;
  const charges = {
    price: new Uint8Array(length),
    usage: new Float64Array(length),
    kind: new Uint8Array(length),
    bytes: new Float64Array(length),
  };
  let i = 0;
  for (const streams of statements) {
    for (const { price, usage, traffic } of streams) {
      charges.price[i] = PRICES.indexOf(price);
      charges.usage[i] = usage;
      charges.kind[i] = traffic === undefined ? KINDS.length : KINDS.indexOf(traffic.kind);
      charges.bytes[i++] = traffic?.bytes ?? 0;
    }
  }
  return charges;
}

export class Account {
  readonly usage: Usage = new Float64Array(PRICES.length);
  private readonly bytes = new Float64Array(KINDS.length + 1);

  add({ price, usage, kind, bytes }: Charges, times = 1): void {
    for (let i = 0; i < price.length; i++) {
      this.usage[price[i]!]! += times * usage[i]!;
      this.bytes[kind[i]!]! += times * bytes[i]!;
    }
  }

  traffic(): Readonly<Record<Kind, Bytes>> {
    return Object.fromEntries(KINDS.map((kind, i) => [kind, this.bytes[i]!])) as Record<Kind, Bytes>;
  }
}

/** What streams take, price by price. */
export function usageOf(streams: readonly Stream[]): Usage {
  const usage: Usage = new Float64Array(PRICES.length);
  for (const stream of streams) usage[PRICES.indexOf(stream.price)]! += stream.usage;
  return usage;
}

export function namedUsage(usage: Usage): Readonly<Record<Price, number>> {
  return Object.fromEntries(PRICES.map((price, i) => [price, usage[i]!])) as Record<Price, number>;
}

/** Numbers times prices, by component. */
export function energyOf(usage: Usage, prices: Hardware['energy']): Record<Component, Picojoules> {
  const spent = Object.fromEntries(COMPONENTS.map((component) => [component, 0])) as Record<Component, Picojoules>;
  for (const [i, price] of PRICES.entries()) {
    const { component, of } = SPENT[price];
    spent[component] += usage[i]! * of(prices);
  }
  spent.adc += usage[PRICES.indexOf('mac')]! * prices.adc;
  return spent;
}

/** Where what is paid at a price goes. */
const SPENT: Readonly<Record<Price, { readonly component: Component; readonly of: (prices: Hardware['energy']) => Picojoules }>> = {
  mac: { component: 'mvm', of: (prices) => prices.mac - prices.adc },
  weightWriteByte: { component: 'weightWrite', of: (prices) => prices.weightWriteByte },
  memoryReadByte: { component: 'memoryArrays', of: (prices) => prices.memoryReadByte },
  memoryWriteByte: { component: 'memoryArrays', of: (prices) => prices.memoryWriteByte },
  bufferReadByte: { component: 'buffer', of: (prices) => prices.bufferReadByte },
  bufferWriteByte: { component: 'buffer', of: (prices) => prices.bufferWriteByte },
  externalByte: { component: 'external', of: (prices) => prices.externalByte },
  vectorElement: { component: 'vector', of: (prices) => prices.vectorElement },
  switchArray: { component: 'switch', of: (prices) => prices.switchArray },
  leakagePerCycle: { component: 'leakage', of: (prices) => prices.leakagePerCycle },
  refreshPerCycle: { component: 'refresh', of: (prices) => prices.refreshPerCycle },
};
