/**
 * `node:http` without its module: an import of that reads every property for a name, `WebSocket` among them, and so loads
 * all of fetch: 40 ms of the processor in each program.
 */
export const { Agent, createServer, METHODS, request, STATUS_CODES } = process.getBuiltinModule('node:http');
