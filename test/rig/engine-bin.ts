/** Binaries of the engine for tests. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

/**
 * Absolute path of a binary (`registry`, `buildctl`, …): from BAKE_TS_TEST_ENGINE_BIN, else from PATH. Throws where it
 * is in neither: a test that cannot run must not look as if it had.
 */
export function engineBinary(name: string): string {
  const folders = [
    process.env['BAKE_TS_TEST_ENGINE_BIN'],
    ...(process.env['PATH'] ?? '').split(path.delimiter),
  ];
  for (const folder of folders) {
    if (folder === undefined || folder === '') continue;
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return path.resolve(file);
    } catch {
      // Not here: the next folder.
    }
  }
  throw new Error(
    `${name} is not found: set BAKE_TS_TEST_ENGINE_BIN to a folder that has it, or run npm test`,
  );
}
