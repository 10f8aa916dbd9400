// A network small enough to read, through all stages: two convolutions with a pool between them.

import { test } from 'uvu';
import { printPlan } from '../../lib/optimizer/print.ts';
import { printProgram } from '../../lib/program/print.ts';
import { printTrace } from '../../lib/simulator/print.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { smallChip } from '../support/chips.ts';
import { compiled } from '../support/compiled.ts';
import { matchesGolden } from '../support/golden.ts';
import { NetworkBuilder } from '../support/networks.ts';

/** Energies of one picojoule a thing, so that the ledger can be counted by hand. */
const CHIP = smallChip({
  hash: 'feed',
  energy: {
    mac: 1,
    adc: 0,
    weightWriteByte: 1,
    memoryReadByte: 1,
    memoryWriteByte: 1,
    bufferReadByte: 1,
    bufferWriteByte: 1,
    externalByte: 1,
    vectorElement: 1,
    switchArray: 1,
    leakagePerCycle: 1,
    refreshPerCycle: 1,
  },
});

async function twoConvs() {
  const net = new NetworkBuilder();
  const graph = net.finish([net.conv(net.pool(net.conv(net.input(1, 4, 8, 8), 16, { relu: true })), 96)], 'two-convs');
  return compiled(graph, CHIP);
}

test('the plan of two convolutions and a pool is the golden one', async () => {
  matchesGolden('plan/two-convs.txt', printPlan((await twoConvs()).plan));
});

test('the program of two convolutions and a pool is the golden one', async () => {
  matchesGolden('program/two-convs.mop', printProgram((await twoConvs()).program));
});

test('the trace of two convolutions and a pool is the golden one', async () => {
  matchesGolden('trace/two-convs.txt', printTrace(simulate((await twoConvs()).program, CHIP)));
});

test.run();
