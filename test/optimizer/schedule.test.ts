// Segmentation and what surrounds it: against an evaluation of every segmentation that shares no code with it
// but the published formulas, written out again here.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describe, type Problem } from '../../lib/base/problem.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { loadHardware } from '../../lib/hardware/read.ts';
import { type Graph, isMatrix, tensorsOf } from '../../lib/ir/graph.ts';
import type { SharingRule } from '../../lib/optimizer/edges.ts';
import type { Plan } from '../../lib/optimizer/plan.ts';
import { type ScheduleOptions, schedule } from '../../lib/optimizer/schedule.ts';
import type { Edge } from '../../lib/optimizer/sharing.ts';
import { verifyPlan } from '../../lib/optimizer/verify.ts';
import { triedSharing } from '../support/allocations.ts';
import { randomChip, smallChip } from '../support/chips.ts';
import { OPTIMIZERS } from '../support/compiled.ts';
import { NetworkBuilder, randomNetwork } from '../support/networks.ts';
import { problemsOfAsync } from '../support/problems.ts';

interface Product {
  readonly m: number;
  readonly tiles: number;
  readonly feed: number;
}

/** A network none of whose operators is cut: its products, and tensors as [product that makes it, last that uses it, bytes]. */
interface Chain {
  readonly products: readonly Product[];
  readonly tensors: readonly (readonly [number, number, number])[];
  /** [product that makes, product that takes in, bytes] */
  readonly taken: readonly (readonly [number, number, number])[];
}

function chainOf(graph: Graph, chip: Hardware): Chain {
  const products: Product[] = [];
  const tensors = tensorsOf(graph);
  const source = new Map<string, string>();
  const made = new Map<string, { by: number; until: number; bytes: number }>();
  const taken: [number, number, number][] = [];
  for (const operator of graph.operators) {
    const inputs = operator.inputs.map(({ tensor }) => source.get(tensor) ?? tensor);
    if (operator.kind === 'view') {
      source.set(operator.output, inputs[0]!);
      continue;
    }
    // A vector operator runs with the product that its last input needs.
    const at = isMatrix(operator) ? products.length : Math.max(0, ...inputs.map((id) => made.get(id)?.by ?? 0));
    for (const id of inputs) {
      const tensor = made.get(id);
      if (tensor === undefined) continue;
      tensor.until = Math.max(tensor.until, at);
      if (isMatrix(operator) && tensor.by < at) taken.push([tensor.by, at, tensor.bytes]);
    }
    const { positions, features } = tensors.get(operator.output)!;
    made.set(operator.output, { by: at, until: at, bytes: positions * features });
    if (!isMatrix(operator)) continue;
    const { m, n, k, groups } = operator.attrs.matrix;
    const sharing = Math.max(1, Math.min(groups, Math.floor(chip.tileRows / n), Math.floor(chip.tileColumns / k)));
    const tiles = Math.ceil(groups / sharing) * Math.ceil(n / chip.tileRows) * Math.ceil(k / chip.tileColumns);
    products.push({ m, tiles, feed: m * n * groups });
  }
  return { products, tensors: [...made.values()].map(({ by, until, bytes }) => [by, until, bytes] as const), taken };
}

/** Constraint (6), written out again: what products first .. last may share. */
function edgesWithin({ taken }: Chain, chip: Hardware, rule: SharingRule, first: number, last: number): readonly Edge[] {
  if (rule === false) return [];
  const bytes = new Map<string, number>();
  for (const [by, at, volume] of taken) {
    const pair = `${by - first} ${at - first}`;
    if (by >= first && at <= last) bytes.set(pair, (bytes.get(pair) ?? 0) + volume);
  }
  return [...bytes].map(([pair, volume]) => {
    const [producer = 0, consumer = 0] = pair.split(' ').map(Number);
    const arrays = volume / chip.memoryBytesPerArray;
    return { producer, consumer, mostShared: rule === 'up' ? Math.ceil(arrays) : Math.floor(arrays) };
  });
}

interface Counts {
  readonly latency: number;
  readonly compute: readonly number[];
  /** Physical memory arrays: shared ones count once. */
  readonly storing: number;
}

/** The least latency whose fewest arrays fit, among all latencies any count of arrays can give. */
function allocate(
  products: readonly Product[],
  edges: readonly Edge[],
  chip: Hardware,
  most: { readonly compute: number; readonly memory: number },
): Counts | undefined {
  const dMain = chip.bufferBytesPerCycle + chip.externalBytesPerCycle;
  const latencies = new Set<number>();
  for (const { m, feed } of products) {
    for (let arrays = 0; arrays <= chip.arrays; arrays++) {
      if (arrays > 0) latencies.add((m * chip.mvmCycles) / arrays);
      latencies.add(feed / (arrays * chip.dCim + dMain));
    }
  }
  for (const latency of [...latencies].sort((a, b) => a - b)) {
    const within = latency * (1 + 1e-11);
    const compute: number[] = [];
    const memory: number[] = [];
    for (const { m, tiles, feed } of products) {
      let copies = 1;
      while ((m * chip.mvmCycles) / copies > within) copies++;
      let storing = 0;
      while (feed / (storing * chip.dCim + dMain) > within) storing++;
      if (copies > m || copies * tiles > chip.arrays || storing > chip.arrays) break;
      compute.push(copies * tiles);
      memory.push(storing);
    }
    if (compute.length < products.length) continue;
    const computing = total(compute);
    const needed = Math.max(0, total(memory) - most.memory, computing + total(memory) - chip.arrays);
    if (needed > total(memory) / 2 || computing > most.compute) continue;
    if (triedSharing(edges, memory, needed) >= needed) return { latency, compute, storing: total(memory) - needed };
  }
  return undefined;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

interface Value {
  readonly cycles: number;
  /** Arrays in memory mode after the last segment. */
  readonly memoryMode: number;
}

/** Eq. (1), (2), (4) and (9) for one segment after another; undefined if it cannot be allocated. */
function extend(
  chain: Chain,
  chip: Hardware,
  before: { readonly value: Value; readonly first: number } | undefined,
  first: number,
  last: number,
  frozen?: number,
  rule: SharingRule = 'up',
): Value | undefined {
  const most = frozen === undefined ? { compute: chip.arrays, memory: chip.arrays } : { compute: chip.arrays - frozen, memory: frozen };
  const counts = allocate(chain.products.slice(first, last + 1), edgesWithin(chain, chip, rule, first, last), chip, most);
  if (counts === undefined) return undefined;
  const had = before?.value.memoryMode ?? 0;
  const memoryMode = frozen ?? Math.max(counts.storing, Math.min(had, chip.arrays - total(counts.compute)));
  const switching =
    had > memoryMode ? (had - memoryMode) * chip.switchCycles.memoryToCompute : (memoryMode - had) * chip.switchCycles.computeToMemory;
  const volume =
    before === undefined
      ? 0
      : total(chain.tensors.map(([by, until, bytes]) => (by >= before.first && by < first && until >= first ? bytes : 0)));
  const kept = chip.bufferBytes + Math.min(had, memoryMode) * chip.memoryBytesPerArray;
  const writeBack = Math.max(0, volume - kept) / chip.externalBytesPerCycle;
  const rewrite = Math.max(...counts.compute) * chip.writeCyclesPerArray;
  return { cycles: (before?.value.cycles ?? 0) + counts.latency + writeBack + switching + rewrite, memoryMode };
}

/** Every segmentation of products 0..last, each prefix of it being the best of its length: the published recursion, without memory. */
function bestPrefix(chain: Chain, chip: Hardware, last: number, frozen?: number, rule?: SharingRule): { value: Value; first: number } {
  let best: { value: Value; first: number } | undefined;
  for (let first = last; first >= 0; first--) {
    const before = first === 0 ? undefined : bestPrefix(chain, chip, first - 1, frozen, rule);
    const value = extend(chain, chip, before, first, last, frozen, rule);
    if (value !== undefined && (best === undefined || value.cycles < best.value.cycles)) best = { value, first };
  }
  assert.ok(best !== undefined);
  return best;
}

/** The least over all 2^(m-1) segmentations. */
function exhaustive(chain: Chain, chip: Hardware, frozen?: number): number {
  const count = chain.products.length;
  let best = Number.POSITIVE_INFINITY;
  for (let cuts = 0; cuts < 1 << (count - 1); cuts++) {
    let before: { value: Value; first: number } | undefined;
    let first = 0;
    for (let last = 0; last < count; last++) {
      if (last < count - 1 && (cuts & (1 << last)) === 0) continue;
      const value = extend(chain, chip, before, first, last, frozen);
      if (value === undefined) {
        before = undefined;
        break;
      }
      before = { value, first };
      first = last + 1;
    }
    if (before !== undefined && first === count) best = Math.min(best, before.value.cycles);
  }
  return best;
}

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(a, b);
}

/** Random networks of at most `most` products, on chips on which each fits. */
function cases(most: number, count: number): readonly { graph: Graph; chip: Hardware; chain: Chain }[] {
  const found: { graph: Graph; chip: Hardware; chain: Chain }[] = [];
  for (let seed = 0; found.length < count; seed++) {
    const random = randomChip(seed);
    const chip = {
      ...random,
      writeCyclesPerArray: random.tileRows * random.writeCyclesPerRow,
      switchCycles: { memoryToCompute: seed % 5, computeToMemory: seed % 7 },
    };
    const graph = randomNetwork(seed);
    const chain = chainOf(graph, chip);
    if (chain.products.length <= 1 || chain.products.length > most || chain.products.some(({ tiles }) => tiles > chip.arrays)) continue;
    found.push({ graph, chip, chain });
  }
  return found;
}

const CASES = cases(9, 40);

test('a plan of a random network on a random chip has no broken invariant', async () => {
  for (let seed = 0; seed < 60; seed++) {
    for (const optimizer of OPTIMIZERS) {
      const graph = randomNetwork(seed);
      const plan = await schedule(graph, randomChip(seed), { optimizer });
      assert.equal(verifyPlan(plan, graph).map(describe), [], `${seed}, ${optimizer}`);
      const sum = total(
        plan.segments.map(
          ({ intraCycles, interCycles: { writeBack, switch: switching, rewrite } }) => intraCycles + writeBack + switching + rewrite,
        ),
      );
      assert.ok(close(plan.analyticCycles, sum), `${seed}, ${optimizer}: ${plan.analyticCycles} is not the sum of its segments, ${sum}`);
    }
  }
});

test('the plan is the best under the published recursion, evaluated without memory', async () => {
  for (const { graph, chip, chain } of CASES) {
    const plan = await schedule(graph, chip);
    const { value } = bestPrefix(chain, chip, chain.products.length - 1);
    assert.ok(close(plan.analyticCycles, value.cycles), `${graph.name}: ${plan.analyticCycles}, recursion ${value.cycles}`);
    assert.ok(plan.analyticCycles >= exhaustive(chain, chip) * (1 - 1e-9), `${graph.name}: better than the best segmentation`);
  }
});

test('so it is without sharing, and with sharing rounded down; on some of the networks each is another plan', async () => {
  const cycles = { up: [] as number[], down: [] as number[], none: [] as number[] };
  for (const { graph, chip: plain, chain } of CASES) {
    // Feeding is the bottleneck: products take a cycle, and there is little bandwidth beside the memory arrays.
    const chip = { ...plain, mvmCycles: 1, bufferBytesPerCycle: 1, externalBytesPerCycle: 1, dMain: 2, writeCyclesPerArray: 1 };
    for (const [name, sharing] of [
      ['up', 'up'],
      ['down', 'down'],
      ['none', false],
    ] as const) {
      const { analyticCycles } = await schedule(graph, chip, { sharing });
      const { value } = bestPrefix(chain, chip, chain.products.length - 1, undefined, sharing);
      assert.ok(close(analyticCycles, value.cycles), `${graph.name}, ${name}: ${analyticCycles}, recursion ${value.cycles}`);
      cycles[name].push(analyticCycles);
    }
  }
  assert.ok(cycles.up.some((value, i) => value !== cycles.down[i]) && cycles.down.some((value, i) => value !== cycles.none[i]));
});

test('where nothing passes between segments but weights, the plan is the best of all segmentations', async () => {
  for (const { graph, chip, chain } of CASES) {
    const free = { ...chip, bufferBytes: 2 ** 40, switchCycles: { memoryToCompute: 0, computeToMemory: 0 } };
    const plan = await schedule(graph, free);
    const best = exhaustive(chain, free);
    assert.ok(close(plan.analyticCycles, best), `${graph.name}: ${plan.analyticCycles}, best is ${best}`);
  }
});

test('a frozen half is a plan on the same path: the best of all segmentations under its budget', async () => {
  for (const { graph, chip, chain } of CASES) {
    const frozen = chip.arrays - Math.floor(chip.arrays / 2);
    if (chain.products.some(({ tiles }) => tiles > chip.arrays - frozen)) continue;
    const plan = await schedule(graph, chip, { optimizer: 'static:0.5' });
    const best = bestPrefix(chain, chip, chain.products.length - 1, frozen).value.cycles;
    assert.ok(close(plan.analyticCycles, best), `${graph.name}: ${plan.analyticCycles}, recursion ${best}`);
    assert.ok(plan.segments.every(({ memoryMode }) => memoryMode.length === frozen));
  }
});

test('both solvers run a segment that both chose in the same time', async () => {
  let common = 0;
  for (const { graph, chip } of CASES.slice(0, 20)) {
    const [exact, glpk] = [await schedule(graph, chip, { solver: 'exact' }), await schedule(graph, chip, { solver: 'glpk' })];
    const members = (segment: Plan['segments'][number]): string => segment.operators.map(({ id }) => id).join(' ');
    for (const segment of exact.segments) {
      const other = glpk.segments.find((candidate) => members(candidate) === members(segment));
      if (other === undefined) continue;
      common++;
      assert.ok(
        close(segment.intraCycles, other.intraCycles),
        `${graph.name}, ${members(segment)}: ${segment.intraCycles} and ${other.intraCycles}`,
      );
    }
  }
  assert.ok(common > 20, `only ${common} segments in common`);
});

test('a dynamic product is never in a segment with the maker of its right operand', async () => {
  for (const arrays of [4, 16, 200]) {
    const net = new NetworkBuilder();
    const from = net.tokens(24, 32);
    const [query, key] = [net.linear(from, 32), net.linear(from, 32)];
    const scores = net.product(query, key);
    const graph = net.finish([net.product(net.linear(scores, 16), net.linear(query, 16))]);
    const plan = await schedule(graph, smallChip({ arrays }));
    assert.equal(verifyPlan(plan, graph), []);
    const segmentOf = (output: string): number[] => {
      const id = graph.operators.find((operator) => operator.output === output)?.id;
      return plan.segments.filter(({ operators }) => operators.some(({ parent }) => parent === id)).map((segment) => segment.id);
    };
    for (const operator of graph.operators) {
      if (operator.kind !== 'matMul' || !operator.attrs.dynamic) continue;
      assert.ok(
        Math.max(...segmentOf(operator.attrs.weight)) < Math.min(...segmentOf(operator.output)),
        `${operator.id} on ${arrays} arrays`,
      );
    }
  }
});

/** VGG-16 up to convolution 4_1 at 224 x 224. */
function earlyVgg(): Graph {
  const net = new NetworkBuilder();
  let map = net.input(1, 3, 224, 224);
  for (const width of [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512])
    map = width === 0 ? net.pool(map) : net.conv(map, width, { relu: true });
  return net.finish([map], 'early VGG-16');
}

function segmentsOf(plan: Plan): readonly (readonly number[])[] {
  const names = [...new Set(plan.segments.flatMap(({ operators }) => operators.map(({ parent }) => parent)))];
  return plan.segments.map(({ operators }) => [...new Set(operators.map(({ parent }) => names.indexOf(parent) + 1))]);
}

test('on the literal chip, all arrays computing, convolutions 1-4 of VGG-16 are a segment and 5-6 the next', async () => {
  const plan = await schedule(earlyVgg(), loadHardware('hw/dynaplasia-paper.json'), { optimizer: 'static:1' });
  assert.equal(segmentsOf(plan).slice(0, 3), [[1, 2, 3, 4], [5, 6], [7]]);
});

test('with modes free, convolutions 1-4 stay a segment, but 5 and 6 part: alone, each has 40 arrays to be fed from', async () => {
  const plan = await schedule(earlyVgg(), loadHardware('hw/dynaplasia-paper.json'));
  assert.equal(segmentsOf(plan).slice(0, 4), [[1, 2, 3, 4], [5], [6], [7]]);
  assert.equal(
    plan.segments.slice(1, 3).map(({ operators }) => total(operators.map(({ memoryIn }) => memoryIn.length))),
    [40, 40],
  );
});

/** The problems of options that must be refused. */
async function refused(options: ScheduleOptions): Promise<readonly Problem[]> {
  return problemsOfAsync(() => schedule(randomNetwork(1), smallChip(), options));
}

for (const optimizer of ['cimmlc', '', 'static', 'static:', 'static:2', 'static:-1', 'static:x', 'static:1e0']) {
  test(`optimizer '${optimizer}' is refused as a wrong option`, async () => {
    assert.equal(
      (await refused({ optimizer })).map(({ kind }) => kind),
      ['usage'],
    );
  });
}

test('an unknown solver is refused, and those there are are named', async () => {
  const problems = await refused({ solver: 'gurobi' });
  assert.equal(
    problems.map(({ kind }) => kind),
    ['usage'],
  );
  assert.match(problems.map(describe).join(), /gurobi.*exact.*glpk/s);
});

for (const optimizer of ['static:0', 'static:0.05']) {
  test(`'${optimizer}' leaves no array of 16 to compute, and is refused`, async () => {
    const problems = await refused({ optimizer });
    assert.equal(
      problems.map(({ kind }) => kind),
      ['usage'],
    );
    assert.match(problems.map(describe).join(), '16 arrays');
  });
}

test('a network without products is one segment of vector operators', async () => {
  const net = new NetworkBuilder();
  const graph = net.finish([net.pool(net.input(1, 4, 8, 8))]);
  const plan = await schedule(graph, smallChip());
  assert.equal(verifyPlan(plan, graph), []);
  assert.equal(
    plan.segments.map(({ operators, vectorOperators }) => [operators.length, vectorOperators.length]),
    [[0, 1]],
  );
});

test('progress is told as it is made, and an abort meanwhile stops the search between two calls of a slow solver', async () => {
  const net = new NetworkBuilder();
  let map = net.input(1, 8, 16, 16);
  for (let i = 0; i < 200; i++) map = net.conv(map, 4 + (i % 90));
  const controller = new AbortController();
  const reason = new Error('enough');
  const seen: number[] = [];
  const onProgress = (done: number): void => {
    seen.push(done);
    if (seen.length === 3) controller.abort(reason);
  };
  try {
    await schedule(net.finish([map]), smallChip({ arrays: 4000 }), { solver: 'glpk', signal: controller.signal, onProgress });
    assert.unreachable();
  } catch (error) {
    assert.is(error, reason);
  }
  assert.is(seen.length, 3, 'the search went on');
  assert.ok(seen.every((done, i) => done >= (seen[i - 1] ?? 0) && done < 1));
});

test('a signal that is aborted stops the search', async () => {
  const net = new NetworkBuilder();
  let map = net.input(1, 8, 4, 4);
  for (let i = 0; i < 400; i++) map = net.conv(map, 4 + (i % 90));
  const reason = new Error('enough');
  try {
    await schedule(net.finish([map]), smallChip({ arrays: 4000 }), { signal: AbortSignal.abort(reason) });
    assert.unreachable();
  } catch (error) {
    assert.is(error, reason);
  }
});

test.run();
