// The weight image: a run whose weights come from it computes the same, and what it says is where the tiles are.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError } from '../../lib/base/problem.ts';
import { type WeightImage, weightImage } from '../../lib/simulator/functional/weight-image.ts';
import { smallChip } from '../support/chips.ts';
import { NetworkBuilder } from '../support/networks.ts';
import { encoder, mobileBlock } from './models.ts';
import { computedBy, expectedOf, type Numbered, type Prepared, prepared, programFor, withOwnWeights, withWeights } from './support.ts';

const image = suite('weight image');

function residual(): Numbered {
  const net = new NetworkBuilder();
  const wide = net.conv(net.input(1, 4, 8, 8), 12, { relu: true });
  return withWeights(net.finish([net.dense(net.pool(net.conv(wide, 12, { relu: true, add: wide })), 10)]), 8);
}

/** Its weights forgotten: whoever computes with them anyway has them from elsewhere. */
function withoutWeights({ network, ...rest }: Prepared): Prepared {
  const products = Object.entries(network.products).map(([id, product]) => [
    id,
    product.weights === undefined ? product : { ...product, weights: new Int16Array(product.weights.length) },
  ]);
  return { ...rest, network: { ...network, products: Object.fromEntries(products) } };
}

for (const [name, make, bits, optimizer] of [
  ['convolutions in copies', residual, 8, 'cmswitch'],
  ['weights of 4 bits', residual, 4, 'cmswitch'],
  ['weights written ahead', residual, 8, 'joint'],
  ['attention, whose K and V are computed', () => withOwnWeights(encoder()), 8, 'puma'],
  ['groups that share tiles', () => withOwnWeights(mobileBlock()), 8, 'cim-mlc'],
] as const) {
  image(`a run from it computes what the reference computes: ${name}`, async () => {
    const chip = smallChip({ arrays: 24, memoryBytesPerArray: 2048, precision: { weightBits: bits, activationBits: 8 } });
    const one = prepared(make(), 5, chip.precision);
    const program = await programFor(one.graph, chip, optimizer);
    const made = weightImage(program, chip, one.network, 'test');
    const stored: WeightImage = { index: JSON.parse(JSON.stringify(made.index)), bytes: made.bytes };
    const expected = expectedOf(one);
    assert.equal(computedBy(program, chip, withoutWeights(one), { image: stored }), expected);
    assert.not.equal(computedBy(program, chip, withoutWeights(one)), expected);
    const bytes = Uint8Array.from(stored.bytes, (byte) => byte ^ 0x11);
    assert.not.equal(computedBy(program, chip, one, { image: { ...stored, bytes } }), expected, 'other bytes, other numbers');
  });
}

image('its bytes are the weights, each tile once, row after row', async () => {
  const chip = smallChip();
  const net = new NetworkBuilder();
  const one = prepared(withWeights(net.finish([net.conv(net.input(1, 4, 4, 4), 20, { kernel: 1 })]), 3), 3, chip.precision);
  const program = await programFor(one.graph, chip);
  const { index, bytes } = weightImage(program, chip, one.network, 'seed 3');
  const [write] = index.writes;
  assert.ok(write !== undefined && write.arrays.length > 2, 'several copies');
  // 4 x 20 weights on tiles of 32 x 16: 16 columns and 4.
  assert.equal(index.tiles, [
    { offset: 0, bytes: 64, rows: 4, columns: 16 },
    { offset: 64, bytes: 16, rows: 4, columns: 4 },
  ]);
  assert.equal(
    write.tiles,
    write.arrays.map((_, i) => i % 2),
  );
  const { weights } = Object.values(one.network.products)[0]!;
  const column = 17;
  for (let row = 0; row < 4; row++) assert.is(new Int8Array(bytes.buffer)[64 + row * 4 + column - 16], weights![column * 4 + row]);
});

image('one of another program, or one cut short, is refused', async () => {
  const chip = smallChip({ arrays: 24 });
  const one = prepared(residual(), 5, chip.precision);
  const program = await programFor(one.graph, chip);
  const made = weightImage(program, chip, one.network, 'test');
  const refused = (other: WeightImage, text: RegExp): void =>
    assert.throws(
      () => computedBy(program, chip, one, { image: other }),
      (error: unknown) => error instanceof CompileError && text.test(error.message),
    );
  refused({ ...made, bytes: made.bytes.subarray(0, 100) }, /tile \d+ has \d+ bytes from \d+/);
  refused({ ...made, index: { ...made.index, model: { name: 'other', hash: 'beef' } } }, /is of 'other'/);
  refused({ ...made, index: { ...made.index, writes: made.index.writes.slice(1) } }, /has no tiles for/);
});

image.run();
