// A worker process of the pool: measures one point after another.

import { measure, type Point } from './point.ts';

process.on('message', async ({ id, point }: { id: number; point: Point }) => {
  try {
    process.send?.({ id, measured: await measure(point) });
  } catch (error) {
    process.send?.({ id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
