// Segments of the same kind have the same allocation: equal demands and equal edges, one after another. A tree from the last
// operator back to the first finds what is known of a kind in one step an operator, however often a block repeats.

import type { SubOperator } from './flatten.ts';
import type { Edge } from './sharing.ts';

/** Segments that are the same but for where they stand. */
export interface Kind<Known> {
  known: Known | undefined;
}

interface Node<Known> extends Kind<Known> {
  readonly before: Map<number, Node<Known>>;
}

export interface SegmentKinds<Known> {
  /** Begins with the segment of no operators before `last` + 1; calls go from 0 on in order. */
  readonly endAt: (last: number) => void;
  /** One operator more at the front of the segment. */
  readonly extendTo: (first: number) => Kind<Known>;
}

/** The kinds of all segments; `edges` by consumer. */
export function segmentKinds<Known>(subOperators: readonly SubOperator[], edges: readonly Edge[]): SegmentKinds<Known> {
  const forms = formsOf(subOperators, edges);
  const root: Node<Known> = { known: undefined, before: new Map() };
  /** For each operator how many of its edges end within the segment. */
  const inside = subOperators.map(() => 0);
  let seen = 0;
  let node = root;
  return {
    endAt: (last) => {
      for (; (edges[seen]?.consumer ?? Number.POSITIVE_INFINITY) <= last; seen++) inside[edges[seen]!.producer]!++;
      node = root;
    },
    extendTo: (first) => {
      const form = forms[first]![inside[first]!]!;
      let next = node.before.get(form);
      if (next === undefined) {
        next = { known: undefined, before: new Map() };
        node.before.set(form, next);
      }
      node = next;
      return next;
    },
  };
}

/**
 * For each operator and number of its edges a number that is the same for the same demand, edges and sort of successor: T_rw
 * counts the pieces of an operator as one.
 */
function formsOf(subOperators: readonly SubOperator[], edges: readonly Edge[]): readonly (readonly number[])[] {
  const numbers = new Map<string, number>();
  const numberOf = (form: string): number => {
    const known = numbers.get(form) ?? numbers.size;
    numbers.set(form, known);
    return known;
  };
  const texts: string[] = [];
  const forms: number[][] = [];
  for (const [i, { parent, shape, demand }] of subOperators.entries()) {
    const continued = subOperators[i + 1]?.parent === parent;
    texts.push(`${demand.tiles},${demand.computeCycles},${demand.feedBytes},${shape.m},${continued}`);
    forms.push([numberOf(texts[i]!)]);
  }
  for (const { producer, consumer, mostShared } of edges) {
    texts[producer] += `;${consumer - producer}:${mostShared}`;
    forms[producer]!.push(numberOf(texts[producer]!));
  }
  return forms;
}
