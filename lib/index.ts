// The public surface, in pipeline order: ONNX -> Graph -> Plan -> Program -> Trace, and what shows them.

import { renderValue } from './report/render-value.ts';

// Design-space exploration: fronts and volumes
export { hypervolume, paretoFront } from './base/pareto.ts';
// Problems: every entry point throws one CompileError that holds all of them.
export { CompileError, describe, type Problem } from './base/problem.ts';
// Progress of long work, as bars in a notebook
export { type Progress, type ProgressOptions, progress, track } from './base/progress.ts';
export type { MatrixShape, Range, VectorClass, Window } from './base/shapes.ts';
export { formatBytes, formatCycles, formatNumber, formatPercent, formatSi, textTable } from './base/text.ts';
export type { Precision } from './base/units.ts';
// The workbook: what a check cell says, and what a notebook's results came from
export { type Answer, type AnswerOptions, checkAnswer, Verdict } from './book/answer.ts';
export { Provenance, provenance, type Source as ProvenanceSource } from './book/provenance.ts';
// All of it
export { type Compared, type Comparison, compare } from './compare.ts';
export { type Compilation, type CompileOptions, compile } from './compile.ts';
// Cost: the paper's equations, one function each
export { type LowerBound, lowerBound } from './cost/bound.ts';
export {
  computeLatency,
  type Demand,
  demandOf,
  feedLatency,
  interLatency,
  intraLatency,
  operatorLatency,
  rewriteLatency,
  switchLatency,
  writeBackLatency,
} from './cost/paper.ts';
export { verifyManifest } from './dataflow/verify-manifest.ts';
// Program
export { emit } from './emit/emit.ts';
// Language models: prefill and every generated token
export type { Generation, SimulatedPass, Spent } from './generation/generation.ts';
export { graphsOf, importPrefill, type LanguageModel } from './generation/graphs.ts';
export { printGeneration } from './generation/print.ts';
export { type GenerationRates, ratesOf } from './generation/rates.ts';
export { type GenerationOptions, simulateGeneration } from './generation/simulate-generation.ts';
// Hardware
export type { Hardware, HardwareFile, Quantity } from './hardware/hardware.ts';
export { parameterRanges } from './hardware/leaves.ts';
export { printHardware } from './hardware/print.ts';
export { loadHardware, readHardwareFile } from './hardware/read.ts';
export { type TileGrid, tileGrid } from './hardware/tile.ts';
export { verifyHardware } from './hardware/verify.ts';
export { withOverrides } from './hardware/with-overrides.ts';
// Graph
export { type Graph, isMatrix, type Operator, type Tensor } from './ir/graph.ts';
export { flopsPerMop, type InspectedOperator, type Inspection, inputReuse, inspect } from './ir/inspect.ts';
export { printGraph } from './ir/print.ts';
export { verifyGraph } from './ir/verify.ts';
export { type ImportOptions, importOnnx } from './onnx/import-onnx.ts';
export { type MissingValues, openWeights, type WeightReader } from './onnx/weights.ts';
// Plan
export { type Allocation, type AllocationProblem, objectiveOf, type Solver } from './optimizer/allocation.ts';
export { type Certificate, certify } from './optimizer/certificate.ts';
export { checkCertificate } from './optimizer/check-certificate.ts';
export { diffPlans, type PlanDiff, printDiff } from './optimizer/diff.ts';
export { edgesOf, type SharingRule, shareable } from './optimizer/edges.ts';
export { type Explanation, explain } from './optimizer/explain.ts';
export { flatten } from './optimizer/flatten.ts';
export { allocationModel, type MixedIntegerModel } from './optimizer/model.ts';
export { printLatex, printLp } from './optimizer/model-text.ts';
export type { Allotted, Drafted, Optimizer, OptimizerRequest, Segmentation } from './optimizer/optimizer.ts';
export { OPTIMIZER_NAMES } from './optimizer/optimizers.ts';
export type { OperatorPlan, Plan, SegmentPlan } from './optimizer/plan.ts';
export { printPlan } from './optimizer/print.ts';
export { printCertificate } from './optimizer/print-certificate.ts';
export { printExplanation } from './optimizer/print-explanation.ts';
export { type ScheduleOptions, schedule } from './optimizer/schedule.ts';
export { chooseSegments, costSegments, type SegmentChoice, type SegmentDraft, segmentProblem } from './optimizer/segment.ts';
export { type SegmentTable, segmentTable } from './optimizer/segment-table.ts';
export { loadSolver } from './optimizer/solvers.ts';
export { verifyPlan } from './optimizer/verify.ts';
export { expandProgram } from './program/expand.ts';
export { parseProgram } from './program/parse.ts';
export { printProgram } from './program/print.ts';
export type { MetaOp, Program, Region, Statement } from './program/program.ts';
export { verifyProgram } from './program/verify.ts';
// Shown in notebooks: tables, charts, pictures
export { allocationBars } from './report/charts/allocation-bars.ts';
export { boundBars } from './report/charts/bound-bars.ts';
export { breakEven } from './report/charts/break-even.ts';
export { cacheResidency } from './report/charts/cache-residency.ts';
export { chipMap } from './report/charts/chip-map.ts';
export { curves } from './report/charts/curves.ts';
export { dpTable } from './report/charts/dp-table.ts';
export { energyBars } from './report/charts/energy-bars.ts';
export { generationBars, type NamedGeneration } from './report/charts/generation-bars.ts';
export { intensityProfile } from './report/charts/intensity-profile.ts';
export { latencyBars } from './report/charts/latency-bars.ts';
export { latencyComparison } from './report/charts/latency-comparison.ts';
export { modeChart } from './report/charts/mode-chart.ts';
export { occupancyMap } from './report/charts/occupancy-map.ts';
export { operatorEnergy } from './report/charts/operator-energy.ts';
export { parallelCoordinates } from './report/charts/parallel-coordinates.ts';
export { pareto } from './report/charts/pareto.ts';
export { roofline } from './report/charts/roofline.ts';
export { speedupGrid } from './report/charts/speedup-grid.ts';
export { splitMap } from './report/charts/split-map.ts';
export { timeline } from './report/charts/timeline.ts';
export { tornado } from './report/charts/tornado.ts';
export { type CompileReport, compileReport } from './report/compile-report.ts';
export { Figure } from './report/figure.ts';
export { operatorFrame } from './report/operators.ts';
export { Table, table } from './report/table.ts';
export { openTraceFile } from './report/trace-file.ts';
// Functional simulation: what a program computes, and the reference it is compared with
export type { ConverterOptions } from './simulator/functional/converter.ts';
export { type IntegerTensor, type RunProgramOptions, runProgram, runProgramAsync } from './simulator/functional/run-program.ts';
export { type WeightImage, weightImage } from './simulator/functional/weight-image.ts';
// Trace
export { occupancy } from './simulator/occupancy.ts';
export { type Performance, performanceOf } from './simulator/performance.ts';
export { boundedBy, printTrace } from './simulator/print.ts';
export { type SimulateOptions, simulate } from './simulator/simulate.ts';
export type { Flow, Occupancy, OperatorTrace, Span, Stretch, Trace } from './simulator/trace.ts';
export { verifyTrace } from './simulator/verify.ts';
// Design-space exploration
export { METRICS, type MetricName } from './sweep/metrics.ts';
export type { SweepProgress } from './sweep/pace.ts';
export type { SweepResult } from './sweep/result.ts';
export type { SweepSpec } from './sweep/spec.ts';
export { type SweepOptions, sweep } from './sweep/sweep.ts';
// Numbers: quantisation, calibration, inputs
export { type Agreement, agreement } from './workload/agreement.ts';
export { calibrate } from './workload/calibrate.ts';
export { readNumpy, writeNpz } from './workload/npz.ts';
export type { NumberFormat } from './workload/number-format.ts';
export { type QuantisedNetwork, quantise } from './workload/quantise.ts';
export { evaluateIntegers, evaluateReal, type NetworkInputs } from './workload/reference/evaluate.ts';
export { samplesOf, seededInputs } from './workload/samples.ts';
export { seededWeights } from './workload/seeded-weights.ts';
export type { Pass, Workload } from './workload/workload.ts';

// Kernels that know this name show a bare noun, figure or problem as renderValue has it.
(globalThis as { [key: symbol]: unknown })[Symbol.for('cimbook.render')] = renderValue;
