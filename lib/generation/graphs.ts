// Graphs of a language model's passes: (model, workload's sizes) -> the graph of any pass.

import { fail } from '../base/problem.ts';
import { graphFamily } from '../ir/family.ts';
import type { Graph } from '../ir/graph.ts';
import { verifyGraph } from '../ir/verify.ts';
import { importOnnx, runImport } from '../onnx/import-onnx.ts';
import { bindingsOf, dimensionsOf, type Role, type WorkloadDimensions } from '../workload/dimensions.ts';
import { type Pass, prefillOf, type Workload } from '../workload/workload.ts';

/** A path or the bytes of a model file; two where prefill and decoding were exported apart. */
export type LanguageModel = string | Uint8Array | { readonly prefill: string | Uint8Array; readonly decode: string | Uint8Array };

export type GraphOfPass = (pass: Pass) => Graph;

/** Imports any pass of the model. `bind`: sizes of dimensions that are not the workload's. Throws `usage`, `onnx-*`. */
export function graphsOf(model: LanguageModel, batch: number, bind: Readonly<Record<string, number>> = {}): GraphOfPass {
  const importer = (source: string | Uint8Array): GraphOfPass => {
    const dimensions = workloadDimensions(source, bind);
    return (pass) => importOnnx(source, { bind: { ...bindingsOf(dimensions, batch, pass), ...bind } });
  };
  if (typeof model === 'string' || model instanceof Uint8Array) return importer(model);
  const importers = { prefill: importer(model.prefill), decode: importer(model.decode) };
  return (pass) => importers[pass.kind](pass);
}

/** The graph of a workload's prefill: one pass over the prompt. */
export function importPrefill(model: string | Uint8Array, workload: Workload, bind: Readonly<Record<string, number>> = {}): Graph {
  return graphsOf(model, workload.batch ?? 1, bind)(prefillOf(workload));
}

/** Like `graphOf`, for decoding between two passes that are imported: what is between them grows linearly, or is imported, too. */
export function decodingGraphs(graphOf: GraphOfPass, first: Pass, last: Pass): GraphOfPass {
  const [atFirst, atLast] = [graphOf(first), first.past === last.past ? undefined : graphOf(last)];
  const grown = atLast && graphFamily(atFirst, first.past, atLast, last.past);
  const middle = grown?.(Math.floor((first.past + last.past) / 2));
  const family = middle !== undefined && verifyGraph(middle).length === 0 ? grown : undefined;
  return (pass) => {
    if (pass.past === first.past) return atFirst;
    if (pass.past === last.past && atLast !== undefined) return atLast;
    return family?.(pass.past) ?? graphOf(pass);
  };
}

function workloadDimensions(source: string | Uint8Array, bind: Readonly<Record<string, number>>): WorkloadDimensions {
  const { inputs } = runImport(source, {}, 'decode').model;
  const own = dimensionsOf(inputs);
  const twice = Object.keys(bind).find((name) => own.roles.has(name));
  if (twice !== undefined) {
    const flags: Readonly<Record<Role, string>> = { batch: '--batch', sequence: '--prompt', past: '--generate', total: '--generate' };
    fail({
      kind: 'usage',
      message: `dimension '${twice}' is bound to ${bind[twice]}, and the workload sets it, too (${flags[own.roles.get(twice) ?? 'batch']})`,
      next: 'Leave one of them out.',
    });
  }
  return dimensionsOf(inputs, Object.keys(bind));
}
