import process from 'node:process';
import { runCli } from './app.ts';
import { EXIT } from './exit-codes.ts';
import { createProcessIo, exitCodeWithOutput } from './io.ts';

// The exit code if the process ends before the command, because nothing is left to wait for.
process.exitCode = EXIT.internal;
// Not awaited: this becomes CommonJS when it is bundled. runCli never rejects.
void runCli(createProcessIo()).then((code) => {
  process.exitCode = exitCodeWithOutput(code);
});
