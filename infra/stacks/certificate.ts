import { AcmCertificate } from '@cdktf/provider-aws/lib/acm-certificate/index.js';
import { AcmCertificateValidation } from '@cdktf/provider-aws/lib/acm-certificate-validation/index.js';
import { Route53Record } from '@cdktf/provider-aws/lib/route53-record/index.js';
import type { Context } from './context.ts';

/** The certificate of the custom domain: given, or made and proven in the zone. Undefined without a domain. */
export function certificate({ stack, settings, global }: Context): string | undefined {
  const { domain, certificate_arn, hosted_zone } = settings;
  if (!domain) return undefined;
  if (certificate_arn) return certificate_arn;
  const made = new AcmCertificate(stack, 'certificate', {
    provider: global,
    domainName: domain,
    validationMethod: 'DNS',
    lifecycle: { createBeforeDestroy: true },
  });
  const proof = made.domainValidationOptions.get(0);
  const record = new Route53Record(stack, 'certificate-proof', {
    zoneId: hosted_zone,
    name: proof.resourceRecordName,
    type: proof.resourceRecordType,
    records: [proof.resourceRecordValue],
    ttl: 60,
    allowOverwrite: true,
  });
  return new AcmCertificateValidation(stack, 'certificate-proven', {
    provider: global,
    certificateArn: made.arn,
    validationRecordFqdns: [record.fqdn],
  }).certificateArn;
}
