// `npm run losses`: every case in which cmswitch, as published, loses to a baseline or a frozen chip, on the paper's cost and on the
// simulator. Writes docs/losses.md.

import { writeFileSync } from 'node:fs';
import { runPass } from '../lib/generation/run-pass.ts';
import { knownBlocks } from '../lib/simulator/group.ts';
import { type Loss, lossesOf } from '../test/support/losses.ts';

const { losses, compared } = await lossesOf(async (graph, chip, optimizer) => {
  // Of a repeated block three turns are simulated, which is exact (docs/language-models.md).
  const run = await runPass(graph, chip, { schedule: { optimizer }, known: knownBlocks(chip), whole: false, verify: false });
  if (process.stderr.isTTY) process.stderr.write(`${graph.name} on ${chip.name}: ${optimizer}        \r`);
  return [run.plan.analyticCycles, run.trace.makespanCycles];
});
const [paper = [], machine = []] = losses;

const key = ({ model, batch, chip, rival }: Loss): string => [model, batch, chip, rival].join(' | ');
const onMachine = new Map(machine.map((loss) => [key(loss), loss.ratio]));
const onPaper = new Map(paper.map((loss) => [key(loss), loss.ratio]));
const keys = [...new Set([...onPaper.keys(), ...onMachine.keys()])].sort();
const cell = (ratio: number | undefined): string => (ratio === undefined ? '' : ratio.toFixed(3));
const rows = keys.map((name) => `| ${name} | ${cell(onPaper.get(name))} | ${cell(onMachine.get(name))} |`);
writeFileSync(
  'docs/losses.md',
  `# Where \`cmswitch\` loses

As published, the algorithm minimises each segment by itself and keeps one plan for each prefix; its cost gives every operator the whole of the chip's bandwidth. So a chip whose
modes are frozen, or a baseline, can be faster: on the paper's cost in ${paper.length} of ${compared} comparisons, on the simulator in ${machine.length}. All of them are below; a
number is what the other takes over what \`cmswitch\` takes, and an empty cell means that it does not win there. Language models read 64 tokens. Written by \`npm run losses\`.

| model | batch | chip | rival | on the paper's cost | simulated |
| --- | ---: | --- | --- | ---: | ---: |
${rows.join('\n')}
`,
);
console.log(`${paper.length} losses on the paper's cost and ${machine.length} on the simulator, of ${compared} comparisons`);
