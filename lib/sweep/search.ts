// Search: NSGA-II (Deb et al., IEEE TEC 6(2), 2002) over the places of a finite space.
// Generation by generation: rank by fronts, then by crowding; binary tournaments, uniform crossover, mutation.
// Deviation: no place is looked at twice. A child that was seen becomes an unseen neighbour of its parent, as the
// budget counts evaluations. The order of evaluations depends on the seed alone, so any number of workers agrees.

import { dominates } from '../base/pareto.ts';
import { permutation, type Random, randomOf, wholeBelow } from '../base/random.ts';
import type { Genome } from './space.ts';

export interface SearchRequest {
  /** Number of values of each axis. */
  readonly counts: readonly number[];
  /** Whether the values of an axis have an order, so that a small step is a small change. */
  readonly ordered: readonly boolean[];
  readonly evaluations: number;
  readonly seed: number;
}

/** What a place is worth: objectives to be made small, and how far outside the constraints it is (0: inside; Infinity: failed). */
export interface Score {
  readonly vector: readonly number[];
  readonly violation: number;
}

interface Individual extends Score {
  readonly genome: Genome;
}

const POPULATION = 40;
/** Share of the budget that is spent on the first, spread-out generation. */
const FIRST_SHARE = 0.2;
const TRIES = 20;

/** Evaluates up to `evaluations` places; `evaluate` gets a generation at a time. Resolves to all, in order of evaluation. */
export async function search(
  request: SearchRequest,
  evaluate: (generation: readonly Genome[]) => Promise<readonly Score[]>,
): Promise<readonly Genome[]> {
  const { counts, evaluations, seed } = request;
  const random = randomOf(seed, 77);
  const seen = new Map<string, Genome>();
  const fresh = (genome: Genome): boolean => !seen.has(genome.join());
  const note = (genome: Genome): Genome => {
    seen.set(genome.join(), genome);
    return genome;
  };

  const size = Math.min(evaluations, POPULATION);
  const firstSize = Math.min(evaluations, Math.max(size, Math.round(evaluations * FIRST_SHARE)));
  let generation: readonly Genome[] = spread(counts, firstSize, random).filter((genome) => fresh(genome) && note(genome) !== undefined);
  let population: readonly Individual[] = [];
  while (generation.length > 0) {
    const scores = await evaluate(generation);
    const children = generation.map((genome, i) => ({ genome, ...scores[i]! }));
    population = survivors([...population, ...children], POPULATION);
    const wanted = Math.min(POPULATION / 2, evaluations - seen.size);
    generation = offspring(population, wanted, request, random, fresh, note);
  }
  return [...seen.values()];
}

/** A Latin-hypercube sample: every axis is covered evenly. */
function spread(counts: readonly number[], size: number, random: Random): readonly Genome[] {
  const columns = counts.map((count) => {
    return permutation(size, random).map((stratum) => Math.min(count - 1, Math.floor(((stratum + random()) / size) * count)));
  });
  return Array.from({ length: size }, (_, i) => columns.map((column) => column[i]!));
}

function offspring(
  population: readonly Individual[],
  wanted: number,
  request: SearchRequest,
  random: Random,
  fresh: (genome: Genome) => boolean,
  note: (genome: Genome) => Genome,
): readonly Genome[] {
  const ranks = ranked(population);
  const select = (): Individual => {
    const [a, b] = [wholeBelow(random, population.length), wholeBelow(random, population.length)];
    return population[ranks.better(a, b) ? a : b]!;
  };
  const children: Genome[] = [];
  while (children.length < wanted) {
    const [mother, father] = [select(), select()];
    const child = unseen(mutated(crossed(mother.genome, father.genome, random), request, random), request, random, fresh);
    if (child === undefined) break;
    children.push(note(child));
  }
  return children;
}

function crossed(a: Genome, b: Genome, random: Random): Genome {
  return a.map((gene, i) => (random() < 0.5 ? gene : b[i]!));
}

/** About one gene changes: on an ordered axis mostly by a step or two, else to any value. */
function mutated(genome: Genome, { counts, ordered }: SearchRequest, random: Random): Genome {
  const rate = 1 / genome.length;
  return genome.map((gene, i) => {
    const count = counts[i]!;
    if (count === 1 || random() >= rate) return gene;
    return ordered[i] && random() < 0.8 ? stepped(gene, count, random) : wholeBelow(random, count);
  });
}

function stepped(gene: number, count: number, random: Random): number {
  const step = (random() < 0.5 ? -1 : 1) * (1 + wholeBelow(random, 2));
  return Math.min(count - 1, Math.max(0, gene + step));
}

/** The genome, or if it was seen an unseen one near it, then anywhere; undefined if the space is used up. */
function unseen(genome: Genome, request: SearchRequest, random: Random, fresh: (genome: Genome) => boolean): Genome | undefined {
  let candidate = genome;
  for (let i = 0; i < TRIES; i++) {
    if (fresh(candidate)) return candidate;
    candidate = mutated(candidate, request, random);
  }
  const size = request.counts.reduce((product, count) => product * count, 1);
  const start = wholeBelow(random, Math.min(size, Number.MAX_SAFE_INTEGER));
  for (let i = 0; i < size; i++) {
    const place = placeAt(request.counts, (start + i) % size);
    if (fresh(place)) return place;
  }
  return undefined;
}

function placeAt(counts: readonly number[], index: number): Genome {
  let rest = index;
  return counts.map((count) => {
    const gene = rest % count;
    rest = Math.floor(rest / count);
    return gene;
  });
}

/** Fronts of mutually non-dominated individuals, best first; those inside the constraints before all others. */
function fronts(population: readonly Score[]): readonly (readonly number[])[] {
  const better = (a: Score, b: Score): boolean => (a.violation !== b.violation ? a.violation < b.violation : dominates(a.vector, b.vector));
  const result: number[][] = [];
  let left = population.map((_, i) => i);
  while (left.length > 0) {
    const front = left.filter((i) => !left.some((j) => j !== i && better(population[j]!, population[i]!)));
    result.push(front);
    left = left.filter((i) => !front.includes(i));
  }
  return result;
}

/** Distance between the neighbours of each member of a front, summed over the objectives; infinite at the ends. */
function crowding(front: readonly number[], population: readonly Score[]): ReadonlyMap<number, number> {
  const distance = new Map(front.map((i) => [i, 0]));
  const dimensions = population[front[0] ?? 0]?.vector.length ?? 0;
  for (let k = 0; k < dimensions; k++) {
    const value = (i: number): number => population[i]!.vector[k]!;
    const sorted = [...front].sort((a, b) => value(a) - value(b) || a - b);
    const range = value(sorted.at(-1)!) - value(sorted[0]!) || 1;
    for (const [place, i] of sorted.entries()) {
      const isEnd = place === 0 || place === sorted.length - 1;
      const gap = isEnd ? Number.POSITIVE_INFINITY : (value(sorted[place + 1]!) - value(sorted[place - 1]!)) / range;
      distance.set(i, distance.get(i)! + gap);
    }
  }
  return distance;
}

function ranked(population: readonly Score[]): { readonly better: (a: number, b: number) => boolean; readonly order: readonly number[] } {
  const rank = new Map<number, number>();
  const distance = new Map<number, number>();
  for (const [level, front] of fronts(population).entries()) {
    for (const [i, gap] of crowding(front, population)) {
      rank.set(i, level);
      distance.set(i, gap);
    }
  }
  const compare = (a: number, b: number): number => {
    const [gapA, gapB] = [distance.get(a)!, distance.get(b)!];
    return rank.get(a)! - rank.get(b)! || (gapA === gapB ? 0 : gapB - gapA) || a - b;
  };
  return { better: (a, b) => compare(a, b) <= 0, order: population.map((_, i) => i).sort(compare) };
}

function survivors(population: readonly Individual[], most: number): readonly Individual[] {
  return ranked(population)
    .order.slice(0, most)
    .map((i) => population[i]!);
}
