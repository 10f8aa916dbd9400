// Where simulator and Eq. (10) must meet, and the floor below which no run can go. The programs are written
// by hand: one tile, input placed in proportion to its sources' rates, output on a port of its own.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { demandOf, operatorLatency } from '../../lib/cost/paper.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { parseProgram } from '../../lib/program/parse.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { smallChip } from '../support/chips.ts';
import { groupsOf, randomPrograms } from '../support/compiled.ts';
import { randomFrom } from '../support/networks.ts';

interface Case {
  readonly vectors: number;
  readonly copies: number;
  readonly memoryArrays: number;
  /** Bytes of a vector are this many times what all sources give in a cycle. */
  readonly depth: number;
  readonly chunks: number;
  readonly chip: Hardware;
}

/** Features from the memory arrays, from the buffer and from outside. */
function sharesOf({ memoryArrays, depth, chip }: Case): readonly [number, number, number] {
  return [memoryArrays * chip.dCim * depth, chip.bufferBytesPerCycle * depth, chip.externalBytesPerCycle * depth];
}

/** Block 0 brings the shares to their places, block 1 is the operator, block 2 takes the result away. */
function programOf(item: Case) {
  const { vectors, copies, memoryArrays, chunks, chip } = item;
  const [fromArrays, fromBuffer, fromOutside] = sharesOf(item);
  const n = fromArrays + fromBuffer + fromOutside;
  const first = chip.arrays - memoryArrays;
  const result = first - 1;
  const inArrays =
    fromArrays > 0 ? [`region arrays tensor=in features=0:${fromArrays} window=${vectors} at=arrays[${first}-${chip.arrays - 1}]+0`] : [];
  const sources = [...(fromArrays > 0 ? ['arrays'] : []), 'buffered'].join(', ');
  return parseProgram(`cimbook-program 1
model "one" ${'0'.repeat(64)}
hardware "one" ${'0'.repeat(64)} arrays=${chip.arrays}
precision weight=8 activation=8

tensor in role=input positions=${vectors} features=${n} bits=8
tensor out role=output positions=${vectors} features=1 bits=8

operator op output=out matrix(m=${vectors}, n=${n}, k=1, groups=1)
  input in use=stream window(samples=1, out=${vectors}x1, in=${vectors}x1, stride=1, reach=1, lead=0)

${[
  ...inArrays,
  `region buffered tensor=in features=${fromArrays}:${fromArrays + fromBuffer} window=${vectors} at=buffer+0`,
  `region outside tensor=in features=0:${n} window=${vectors} at=external`,
  `region result tensor=out features=0:1 window=${vectors} at=arrays[${result}]+0`,
  `region gone tensor=out features=0:1 window=${vectors} at=external`,
].join('\n')}

CM.switch(TOM, arrays=[${result}-${chip.arrays - 1}])
parallel {
  MEM.move(chunks=1, from=[outside], to=[${sources}])
}
CIM.write(operator=op, outputs=0:1, inner=0:${n}, copies=${copies}, arrays=[0-${copies - 1}], from=[])
parallel {
  CIM.mvm(operator=op, outputs=0:1, inner=0:${n}, copies=${copies}, arrays=[0-${copies - 1}], chunks=${chunks}, from=[${sources}, outside], to=[result])
}
parallel {
  MEM.move(chunks=1, from=[result], to=[gone])
}
`);
}

function blockTime(item: Case): number {
  const segment = simulate(programOf(item), item.chip).segments[1]!;
  return segment.end - segment.start;
}

/** Chips whose result port is never the bottleneck: an output byte takes no longer than its input. */
function randomCase(seed: number): Case {
  const random = randomFrom(seed);
  const copies = random(1, 6);
  const perCopy = random(1, 12);
  const depth = random(1, 3);
  const rate = random(1, 8);
  const [buffer, outside] = [random(1, 8), random(1, 8)];
  const memoryArrays = random(0, 5);
  const chip = smallChip({
    arrays: 16,
    tileRows: 512,
    memoryReadBytesPerCycle: rate,
    memoryWriteBytesPerCycle: rate,
    dCim: rate,
    bufferBytesPerCycle: buffer,
    externalBytesPerCycle: outside,
    memoryBytesPerArray: 1 << 20,
    bufferBytes: 1 << 20,
    mvmCycles: random(1, 20),
    writeCyclesPerArray: 512,
  });
  const divisors = Array.from({ length: perCopy }, (_, i) => i + 1).filter((chunks) => perCopy % chunks === 0);
  return { vectors: copies * perCopy, copies, memoryArrays, depth, chunks: divisors[random(0, divisors.length - 1)]!, chip };
}

test('one operator of one tile takes exactly the cycles of Eq. (10)', () => {
  const bound = { compute: 0, feed: 0 };
  for (let seed = 0; seed < 400; seed++) {
    const item = randomCase(seed);
    const n = sharesOf(item).reduce((sum, share) => sum + share, 0);
    const demand = demandOf({ m: item.vectors, n, k: 1, groups: 1 }, item.chip);
    assert.is(demand.tiles, 1);
    const formula = operatorLatency(demand, item.copies, item.memoryArrays, item.chip);
    bound[formula > item.vectors * item.depth ? 'compute' : 'feed']++;
    assert.is(blockTime(item), formula, `case ${seed}: ${JSON.stringify({ ...item, chip: undefined })}`);
  }
  assert.ok(bound.compute > 50 && bound.feed > 50, JSON.stringify(bound));
});

test('Eq. (10) by hand: 64 vectors of 32 bytes on 4 copies, 8 + 8 + 16 bytes a cycle', () => {
  const chip = smallChip({ memoryBytesPerArray: 4096 });
  const item = { vectors: 64, copies: 4, memoryArrays: 2, depth: 1, chunks: 1, chip };
  // 64 / 4 * 8 = 128 cycles of products; 64 * 32 bytes at 32 a cycle are 64.
  assert.is(blockTime(item), 128);
  assert.is(blockTime({ ...item, chip: { ...chip, mvmCycles: 1 } }), 64);
});

test("the channel's latency is paid on top, and two chunks under way hide half of it", () => {
  const chip = smallChip({ memoryBytesPerArray: 4096, mvmCycles: 1 });
  const item = { vectors: 64, copies: 4, memoryArrays: 2, depth: 1, chunks: 1, chip };
  assert.is(blockTime({ ...item, chip: { ...chip, externalLatencyCycles: 10 } }), 74);
  // 16 chunks of 4 cycles and 10 of latency: chunks 0 and 1 are there at 14 and 18, each later pair 14 cycles on.
  assert.is(blockTime({ ...item, chunks: 16, chip: { ...chip, externalLatencyCycles: 10 } }), 18 + 7 * 14);
});

test('on a chip whose rates are not in proportion to the shares, the run takes longer than the formula', () => {
  let longer = 0;
  for (let seed = 0; seed < 200; seed++) {
    const item = randomCase(seed);
    const chip = smallChip({ ...item.chip, externalBytesPerCycle: item.chip.externalBytesPerCycle + 5 });
    const n = sharesOf(item).reduce((sum, share) => sum + share, 0);
    const formula = operatorLatency(demandOf({ m: item.vectors, n, k: 1, groups: 1 }, chip), item.copies, item.memoryArrays, chip);
    const segment = simulate(programOf(item), chip).segments[1]!;
    const found = segment.end - segment.start;
    assert.ok(found >= formula - 1e-9, `case ${seed}: ${found} cycles, formula ${formula}`);
    if (found > formula + 1) longer++;
  }
  assert.ok(longer > 20, `longer in only ${longer} cases`);
});

test('no product is faster than its vectors over its copies, rounded up, times the cycles of one', async () => {
  for (const { name, program, chip } of await randomPrograms(40, 900)) {
    const trace = simulate(program, chip);
    const timed = trace.segments.flatMap(({ boundary, statements }) => [boundary, statements]).filter((group) => group.length > 0);
    for (const [g, ops] of groupsOf(program).entries()) {
      for (const [s, op] of ops.entries()) {
        if (op.kind !== 'CIM.mvm') continue;
        const { m } = program.operators.find(({ id }) => id === op.operator)!.matrix!;
        const { start, end } = timed[g]![s]!;
        assert.ok(
          end - start >= Math.ceil(m / op.copies) * chip.mvmCycles,
          `${name}: ${op.operator} takes ${end - start} cycles for ${m} vectors on ${op.copies} copies`,
        );
      }
    }
  }
});

test.run();
