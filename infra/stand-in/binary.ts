/**
 * The stand-in as a program that Terraform starts itself, as it does the real one: `node stand-in/binary.ts STACK`. What
 * it writes is the first line of a plugin (protocol of go-plugin, without TLS: TF_DISABLE_PLUGIN_TLS).
 */
import { serveStack } from './run.ts';

const running = await serveStack(process.argv[2] ?? '');
const { Addr } = JSON.parse(running.reattach)['hashicorp/aws'];
process.stdout.write(`1|5|${Addr.Network}|${Addr.String}|grpc\n`);
