// The models of datasets/, what is recorded of them there, and how to look into them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Graph, isMatrix, type MatrixOperator } from '../../lib/ir/graph.ts';

export const CNNS = ['vgg16', 'resnet18', 'resnet50', 'mobilenetv2', 'efficientnetb0'] as const;
/** Of pictures: `batch` is all there is to bind. */
export const MODELS = [...CNNS, 'vitb16'] as const;
export const LANGUAGE_MODELS = ['bert-large', 'gpt2', 'opt-6.7b', 'opt-13b', 'llama2-7b', 'qwen3-8b', 'mixtral-8x7b'] as const;
export const DIGITS = ['digits', 'digits-qlinear', 'digits-qdq'] as const;

export type Bindings = Readonly<Record<string, number>>;

export function datasetsPath(name: string): string {
  return fileURLToPath(new URL(`../../datasets/${name}`, import.meta.url));
}

export function modelPath(name: string): string {
  return datasetsPath(`${name}.onnx`);
}

/** What PyTorch itself says of every model that is exported, by name; MACs are one pass with `bind`. */
export function countsOf(): Readonly<
  Record<string, { readonly parameters: number; readonly macs: readonly { readonly bind: Bindings; readonly macs: number }[] }>
> {
  return JSON.parse(readFileSync(datasetsPath('counts.json'), 'utf8'));
}

/** Shapes that tools nobody here wrote infer, by tensor. */
export function recordedShapes(file: string): { readonly bind: Bindings; readonly shapes: ReadonlyMap<string, readonly number[]> } {
  const { bind, shapes } = JSON.parse(readFileSync(file, 'utf8')) as { bind: Bindings; shapes: Record<string, string[]> };
  const pairs = Object.entries(shapes).flatMap(([shape, names]) => names.map((name) => [name, JSON.parse(shape) as number[]] as const));
  return { bind, shapes: new Map(pairs) };
}

export function macsOf({ attrs: { matrix } }: MatrixOperator): number {
  return matrix.m * matrix.n * matrix.k * matrix.groups;
}

/** Whether both operands are computed at run time: QK^T and SV of an attention. */
export function isDynamic(operator: MatrixOperator): boolean {
  return operator.kind === 'matMul' && operator.attrs.dynamic;
}

export function totalMacs(graph: Graph): number {
  return graph.operators.filter(isMatrix).reduce((total, operator) => total + macsOf(operator), 0);
}
