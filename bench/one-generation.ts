// A generation in a fresh process, where nothing is warm: MODEL CHIP TOKENS -> a line of JSON, for bench/generation.ts.

import { simulateGeneration } from '../lib/generation/simulate-generation.ts';
import { loadHardware } from '../lib/hardware/read.ts';

const [, , model = '', chip = '', generate = ''] = process.argv;
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
    simulatedTokens,
    estimatedError,
    cycles: generation.total.cycles,
    megabytes: process.resourceUsage().maxRSS / 1e3,
  }),
);
