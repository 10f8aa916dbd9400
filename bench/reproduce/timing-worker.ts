// A process that measures compile times and nothing else.

import { measureAll } from './timing.ts';

process.send?.(await measureAll(), () => process.exit(0));
process.on('disconnect', () => process.exit(0));
