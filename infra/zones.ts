/**
 * Zones without something that a stage is made of: VPC origins of CloudFront, or Fargate (on ARM). The same number is
 * another place in every account by name (us-east-1a), so zones are chosen by id. Read in November 2026:
 * docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html,
 * docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
 */
export const EXCLUDED_ZONES: Readonly<Record<string, readonly string[]>> = {
  // Neither VPC origins nor Fargate on ARM.
  'us-east-1': ['use1-az3'],
  // Fargate is in az1 and az3 alone.
  'us-west-1': ['usw1-az2'],
  // Fargate is in az1, az2 and az4 alone.
  'ap-northeast-1': ['apne1-az3'],
  // VPC origins.
  'ca-central-1': ['cac1-az3'],
};
