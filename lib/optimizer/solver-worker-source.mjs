// Where the library runs from its source, a thread reads TypeScript only once tsx is registered in it.

import { register } from 'tsx/esm/api';

register();
await import('./solver-worker.ts');
