import { backup, restore } from './backup.ts';
import type { Command } from './command.ts';
import { explain } from './explain.ts';
import { purge, remove, status, unwarm, warm } from './images.ts';
import { importUrls } from './import.ts';
import { server, warmer } from './programs.ts';
import { put } from './put.ts';
import { redrive } from './redrive.ts';
import { rewarm } from './rewarm.ts';
import { scan } from './scan.ts';
import { serve } from './serve.ts';
import { sign } from './sign.ts';
import { stats } from './stats.ts';
import { token } from './token.ts';
import { verify } from './verify.ts';

/** Every command; help and docs/cli.md are made from this. */
export const COMMANDS: readonly Command[] = [
  ...[serve, server, warmer],
  ...[put, importUrls, status, warm, unwarm, purge, remove, explain, stats],
  ...[sign, token],
  ...[scan, redrive, rewarm],
  ...[backup, restore, verify],
];
