// A generation in a fresh process, where nothing is warm, and again, as the next cell of a notebook would: MODEL CHIP TOKENS -> a line
// of JSON, for bench/generation.ts.

import { existsSync, readFileSync } from 'node:fs';
import { simulateGeneration } from '../lib/generation/simulate-generation.ts';
import { loadHardware } from '../lib/hardware/read.ts';

const [, , model = '', chip = '', generate = ''] = process.argv;
/** CPU seconds of the main thread, without those of V8's compilers and collectors beside it; 0 where the system does not tell. */
function mainSeconds(): number {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) / 1e9 : 0;
}

const mainBefore = mainSeconds();
const start = performance.now();
const before = process.cpuUsage();
const workload = { prompt: 64, generate: Number(generate) };
const run = () => simulateGeneration(`datasets/${model}.onnx`, loadHardware(`hw/${chip}.json`), workload);
const generation = await run();
const { user, system } = process.cpuUsage(before);
const { simulatedTokens, estimatedError } = generation.interpolation;
const first = {
  seconds: (performance.now() - start) / 1000,
  cpuSeconds: (user + system) / 1e6,
  mainSeconds: mainSeconds() - mainBefore,
  megabytes: process.resourceUsage().maxRSS / 1e3,
};
const warmStart = performance.now();
await run();
console.log(
  JSON.stringify({
    ...first,
    warmSeconds: (performance.now() - warmStart) / 1000,
    simulatedTokens,
    estimatedError,
    cycles: generation.total.cycles,
  }),
);
