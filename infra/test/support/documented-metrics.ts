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

/**
 * Columns of CloudFront's standard logs (v2) as Parquet, which writes names otherwise than text and JSON do. Amazon Athena
 * User Guide, "Create a table for CloudFront logs in Athena using partition projection with Parquet" (November 2026).
 */
export const PARQUET_COLUMNS: readonly string[] =
  'date time x_edge_location sc_bytes c_ip cs_method cs_host cs_uri_stem sc_status cs_referer cs_user_agent cs_uri_query cs_cookie x_edge_result_type x_edge_request_id x_host_header cs_protocol cs_bytes time_taken x_forwarded_for ssl_protocol ssl_cipher x_edge_response_result_type cs_protocol_version fle_status fle_encrypted_fields c_port time_to_first_byte x_edge_detailed_result_type sc_content_type sc_content_len sc_range_start sc_range_end'.split(
    ' ',
  );
