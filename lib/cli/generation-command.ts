// --prompt and --generate: what inspect, compile and compare do for a language model's whole generation.

import { CompileError, fail } from '../base/problem.ts';
import { formatNumber, formatPercent, formatSi, printable, textTable } from '../base/text.ts';
import { sum } from '../base/units.ts';
import { bestOf, failedOf, optionsOf, type Row, rowsOn, type TooHungry, unlessTooHungry } from '../compare.ts';
import type { Generation } from '../generation/generation.ts';
import { graphsOf } from '../generation/graphs.ts';
import { printGeneration } from '../generation/print.ts';
import { ratesOf } from '../generation/rates.ts';
import { simulateGeneration } from '../generation/simulate-generation.ts';
import type { Hardware } from '../hardware/hardware.ts';
import { inspect } from '../ir/inspect.ts';
import { printProgram } from '../program/print.ts';
import { contextOf, decodeOf, prefillOf, type Workload } from '../workload/workload.ts';
import type { Arguments } from './arguments.ts';
import { writeWhole } from './files.ts';
import { type GenerationRequest, precisionOf, scheduleOptions } from './model-flags.ts';
import { progress } from './progress.ts';

/** The JSON of a generation: the Generation, and its rates. */
export function generationReport(generation: Generation) {
  return { ...generation, rates: ratesOf(generation) };
}

/** `compile MODEL --prompt N --generate N`: one optimizer; `out` gets the report and every program that was simulated. */
export async function compileGeneration(args: Arguments, hardware: Hardware, request: GenerationRequest): Promise<string> {
  if (args.on('no-simulate'))
    fail({ kind: 'usage', message: '--no-simulate with --generate', next: 'A generation is its simulation; leave one of them out.' });
  const out = args.text('out');
  const files: Record<string, string> = {};
  const done = progress('compiling');
  const generation = await simulateGeneration(request.model, hardware, request.workload, {
    ...scheduleOptions(args),
    bind: request.bind,
    onProgress: done.update,
    ...(out !== undefined && {
      onPass: ({ kind, past }, { plan, program }) => {
        const name = kind === 'prefill' ? kind : `decode-${past}`;
        files[`${name}.plan.json`] = `${JSON.stringify(plan)}\n`;
        files[`${name}.mop`] = printProgram(program);
      },
    }),
  });
  done.end();
  const report = JSON.stringify(generationReport(generation));
  if (out !== undefined) writeWhole(out, { ...files, 'generation.json': `${report}\n` });
  if (args.on('json')) return report;
  const wrote = `Wrote generation.json, and plan and program of ${Object.keys(files).length / 2} passes, to ${printable(out ?? '')}`;
  return [printGeneration(generation), ...(out === undefined ? [] : [wrote])].join('\n\n');
}

interface Compared {
  readonly label: string;
  readonly generation: Generation;
}

/** `compare MODEL --prompt N --generate N`: the rows of compare; the first is the reference. */
export async function compareGenerations(
  args: Arguments,
  hardware: Hardware,
  { model, workload, bind }: GenerationRequest,
): Promise<string> {
  const asked = rowsOn(hardware);
  const all = [...asked.first, ...asked.ratios, ...asked.others];
  let ran = 0;
  /** What cannot plan a pass on this chip, with the reason. */
  const failed: { readonly label: string; readonly reason: string }[] = [];
  const hungry: TooHungry[] = [];
  let someKeeps = false;
  const done = progress('comparing');
  const run = async (some: readonly Row[]): Promise<Compared[]> => {
    const found: Compared[] = [];
    for (const row of some) {
      const { label } = row;
      const part = (share: number): void => done.update((ran + share) / all.length);
      const { runs: _once, ...options } = optionsOf(row, scheduleOptions(args));
      try {
        const made = await unlessTooHungry(label, simulateGeneration(model, hardware, workload, { ...options, bind, onProgress: part }));
        if ('problem' in made) hungry.push(made);
        else {
          found.push({ label, generation: made.value });
          someKeeps ||= options.powerCapWatts !== undefined;
        }
      } catch (error) {
        if (!(error instanceof CompileError) || error.problems.some(({ kind }) => kind !== 'does-not-fit')) throw error;
        failed.push({ label, reason: error.message });
      }
      done.update(++ran / all.length);
    }
    return found;
  };
  const rows = await run(asked.first);
  const [best] = (await run(asked.ratios)).sort((a, b) => a.generation.total.cycles - b.generation.total.cycles);
  if (best !== undefined) rows.push({ ...best, label: bestOf(best, asked) });
  rows.push(...(await run(asked.others)));
  done.end();
  failed.push(...failedOf(hungry, someKeeps));
  const reference = rows[0]?.generation;
  if (args.on('json')) {
    return JSON.stringify({
      schemaVersion: 1,
      workload: reference?.workload,
      hardware: reference?.hardware,
      rows: rows.map(({ label, generation }) => {
        const { decode: _passes, tokenCycles: _tokens, ...report } = generationReport(generation);
        return { label, ...report };
      }),
      failed,
    });
  }
  const speedup = (from: number | undefined, to: number): string => (from === undefined || to === 0 ? '' : `${(from / to).toFixed(2)}x`);
  const table = textTable(
    [
      'optimizer',
      'prefill cycles',
      'speedup',
      'cycles of all tokens',
      'speedup',
      'in all',
      'speedup',
      'tokens/s',
      'in memory mode',
      'energy',
    ],
    rows.map(({ label, generation }) => {
      const { prefill, decoding, total } = generation;
      return [
        label,
        prefill.cycles,
        speedup(reference?.prefill.cycles, prefill.cycles),
        Math.round(decoding.cycles),
        speedup(reference?.decoding.cycles, decoding.cycles),
        Math.round(total.cycles),
        speedup(reference?.total.cycles, total.cycles),
        formatNumber(ratesOf(generation).tokensPerSecond ?? 0),
        formatPercent(total.memoryModeCycles / (total.cycles * hardware.arrays)),
        formatSi(sum(Object.values(total.energyPicojoules)) * 1e-12, 'J'),
      ];
    }),
  );
  const { batch = 1, prompt, generate = 0 } = workload;
  return [
    `${printable(reference?.model.name ?? '')} on ${printable(hardware.name)}, batch ${batch}, prompt ${prompt}, generate ${generate}; speedups over ${rows[0]?.label}`,
    table,
    ...failed.map(({ label, reason }) => `${label}: ${reason}`),
  ].join('\n');
}

/** Sizes of a generation's passes: for `inspect`. */
export function passTable(args: Arguments, { model, bind, workload }: GenerationRequest) {
  const { batch = 1, generate = 0 } = workload satisfies Workload;
  const graphOf = graphsOf(model, batch, bind);
  const precision = precisionOf(args);
  const passes = [
    { name: 'prefill', pass: prefillOf(workload) },
    ...(generate < 1 ? [] : [{ name: 'first token', pass: decodeOf(workload, 0) }]),
    ...(generate < 2 ? [] : [{ name: 'last token', pass: decodeOf(workload, generate - 1) }]),
  ].map(({ name, pass }) => {
    const { model: sizes, caches, operators } = inspect(graphOf(pass), precision);
    const cacheBytes = contextOf(pass) * sum(caches.map(({ bytesPerToken }) => bytesPerToken));
    const read = sizes.weightBytes + (pass.kind === 'decode' ? cacheBytes : 0);
    return {
      name,
      sequence: pass.sequence,
      past: pass.past,
      macs: sizes.macs,
      weightBytes: sizes.weightBytes,
      cacheBytes,
      /** MACs over bytes of weights, and of the cache where it is read. */
      macsPerByte: read === 0 ? null : sizes.macs / read,
      dynamicMacs: sum(operators.filter(({ dynamic }) => dynamic).map(({ macs }) => macs)),
    };
  });
  const text = textTable(
    ['pass', 'tokens', 'past', 'MACs', 'of attention', 'weight bytes', 'KV cache bytes', 'MACs/byte'],
    passes.map(({ name, sequence, past, macs, dynamicMacs, weightBytes, cacheBytes, macsPerByte }) => [
      name,
      sequence,
      past,
      formatSi(macs),
      formatPercent(macs === 0 ? 0 : dynamicMacs / macs),
      weightBytes,
      cacheBytes,
      macsPerByte,
    ]),
  );
  return { passes, text };
}
