/** USD list prices, us-east-1 and PriceClass_100, read in November 2026; the sources are in docs/cost.md. */
export const PRICES = {
  hoursPerMonth: 730,
  /** Spot's discount is on the task alone, never on its address. */
  fargateArm: { vcpuHour: 0.03238, gbHour: 0.00356, spotShare: 0.35 },
  fargateX86: { vcpuHour: 0.04048, gbHour: 0.004445 },
  publicAddressHour: 0.005,
  balancer: { hour: 0.0225, unitHour: 0.008, bytesPerUnitHour: 1e9, connectionsPerUnit: 25 },
  s3: { gbMonth: 0.023, put: 0.005 / 1000, get: 0.0004 / 1000 },
  dynamodb: { write: 0.625e-6, read: 0.125e-6 },
  sqsRequest: 0.4e-6,
  logsGb: 0.5,
  cloudfront: {
    /** USD per GB up to so many TB in the month; the first TB is free. */
    egress: [
      [1, 0],
      [10, 0.085],
      [50, 0.08],
      [150, 0.06],
      [500, 0.04],
      [Number.POSITIVE_INFINITY, 0.03],
    ],
    request: 0.01 / 10_000,
    freeRequests: 10_000_000,
    functionCall: 0.1e-6,
    freeFunctionCalls: 2_000_000,
    storeRead: 0.03e-6,
    shieldRequest: 0.0075 / 10_000,
    invalidation: 0.005,
    freeInvalidations: 1000,
    metricsMonth: 8 * 0.3,
    /** Access logs themselves are free; writing them as Parquet is charged by what comes in. */
    parquetGb: 0.035,
  },
  firewall: { acl: 5, rule: 1, request: 0.6e-6 },
  secretMonth: 0.4,
  alarmMonth: 0.1,
  metricMonth: 0.3,
  xray: { trace: 5e-6, freeTraces: 100_000 },
} as const;
