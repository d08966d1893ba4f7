// [edge-safe] Names that the distribution and the function both use.
export const RESULTS = 'results';
export const SERVER = 'server';
export const REPLICA = 'server-replica';
