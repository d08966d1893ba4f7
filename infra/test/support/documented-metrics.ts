/**
 * What CloudWatch has, by the services' own pages (read in November 2026): name → the sets of dimensions under which
 * it is published. A series with other dimensions exists for no one, and an alarm on it never rings.
 */
export const DOCUMENTED: Readonly<
  Record<string, { source: string; metrics: Readonly<Record<string, readonly (readonly string[])[]>> }>
> = {
  'AWS/CloudFront': {
    source: 'docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html',
    metrics: {
      Requests: [['DistributionId', 'Region']],
      BytesDownloaded: [['DistributionId', 'Region']],
      '5xxErrorRate': [['DistributionId', 'Region']],
      CacheHitRate: [['DistributionId', 'Region']],
      OriginLatency: [['DistributionId', 'Region']],
      FunctionInvocations: [['FunctionName', 'Region']],
      FunctionValidationErrors: [['FunctionName', 'Region']],
      FunctionExecutionErrors: [['FunctionName', 'Region']],
      FunctionComputeUtilization: [['FunctionName', 'Region']],
      FunctionThrottles: [['FunctionName', 'Region']],
    },
  },
  'AWS/WAFV2': {
    source: 'docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html',
    metrics: { BlockedRequests: [['WebACL', 'Rule']], AllowedRequests: [['WebACL', 'Rule']] },
  },
  'AWS/Billing': {
    source:
      'docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html',
    metrics: { EstimatedCharges: [['Currency'], ['ServiceName', 'Currency'], ['LinkedAccount', 'Currency']] },
  },
  'AWS/ApplicationELB': {
    source:
      'docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html',
    metrics: {
      RequestCount: [['LoadBalancer'], ['LoadBalancer', 'AvailabilityZone'], ['LoadBalancer', 'TargetGroup']],
      HTTPCode_ELB_5XX_Count: [['LoadBalancer'], ['LoadBalancer', 'AvailabilityZone']],
      HTTPCode_Target_5XX_Count: [['LoadBalancer'], ['LoadBalancer', 'TargetGroup']],
      TargetResponseTime: [['LoadBalancer'], ['LoadBalancer', 'TargetGroup']],
      HealthyHostCount: [['LoadBalancer', 'TargetGroup']],
    },
  },
  'AWS/ECS': {
    source: 'docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html',
    metrics: {
      CPUUtilization: [['ClusterName'], ['ClusterName', 'ServiceName']],
      MemoryUtilization: [['ClusterName'], ['ClusterName', 'ServiceName']],
    },
  },
  'AWS/SQS': {
    source:
      'docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html',
    metrics: {
      ApproximateNumberOfMessagesVisible: [['QueueName']],
      ApproximateAgeOfOldestMessage: [['QueueName']],
    },
  },
  'AWS/DynamoDB': {
    source: 'docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html',
    metrics: {
      ThrottledRequests: [['TableName', 'Operation']],
      SystemErrors: [['TableName', 'Operation']],
      ReadThrottleEvents: [['TableName'], ['TableName', 'GlobalSecondaryIndexName']],
      WriteThrottleEvents: [['TableName'], ['TableName', 'GlobalSecondaryIndexName']],
      ConsumedWriteCapacityUnits: [['TableName'], ['TableName', 'GlobalSecondaryIndexName']],
    },
  },
};
