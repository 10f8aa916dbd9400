// A generation in a fresh process, where nothing is warm: MODEL CHIP TOKENS -> a line of JSON, for bench/generation.ts.

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
const generation = await simulateGeneration(`datasets/${model}.onnx`, loadHardware(`hw/${chip}.json`), workload);
const { user, system } = process.cpuUsage(before);
const { simulatedTokens, estimatedError } = generation.interpolation;
console.log(
  JSON.stringify({
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1e6,
    mainSeconds: mainSeconds() - mainBefore,
    simulatedTokens,
    estimatedError,
    cycles: generation.total.cycles,
    megabytes: process.resourceUsage().maxRSS / 1e3,
  }),
);
