// The models of datasets/, and how to look into them.

import { fileURLToPath } from 'node:url';
import type { Graph, MatrixOperator } from '../../lib/ir/graph.ts';
import { isMatrix } from '../../lib/ir/graph.ts';

export const CNNS = ['vgg16', 'resnet18', 'resnet50', 'mobilenetv2', 'efficientnetb0'] as const;
export const MODELS = [...CNNS, 'vitb16'] as const;

export function modelPath(name: string): string {
  return fileURLToPath(new URL(`../../datasets/${name}.onnx`, import.meta.url));
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
