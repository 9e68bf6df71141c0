#!/usr/bin/env node
import process from 'node:process';
import { runCli } from './app.ts';
import { createProcessIo } from './io.ts';

process.exitCode = await runCli(createProcessIo());
