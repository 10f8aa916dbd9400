// Where tslab and its TypeScript are, and their types. tslab is pinned: its inner modules are loaded one by one and
// wrapped from outside, its command line and its server are not used.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type tsNamespace from '@tslab/typescript-for-tslab';
import { ownRequire } from './own-package.ts';

export type Typescript = typeof tsNamespace;
export type { tsNamespace };

export type ConverterModule = typeof import('tslab/dist/converter.js');
export type ExecutorModule = typeof import('tslab/dist/executor.js');
export type JupyterModule = typeof import('tslab/dist/jupyter.js');

export type Converter = import('tslab/dist/converter.js').Converter;
export type CellDiagnostic = import('tslab/dist/converter.js').Diagnostic;
export type CompletionInfo = import('tslab/dist/converter.js').CompletionInfo;
export type Executor = import('tslab/dist/executor.js').Executor;

export const tslabFolder = dirname(ownRequire.resolve('tslab/package.json'));
export const tslabRequire = createRequire(join(tslabFolder, 'package.json'));
export const typescriptPath = tslabRequire.resolve('@tslab/typescript-for-tslab');
