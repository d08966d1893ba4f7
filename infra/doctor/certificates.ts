import { bad, type Finding, good, look, type Patient, unread } from './finding.ts';

interface Certificate {
  status: string;
  /** Absent before it is issued. */
  until: string | null;
  renewal: string | null;
}

const QUERY = 'Certificate.{status:Status,until:NotAfter,renewal:RenewalSummary.RenewalStatus}';
const DAY_MS = 86_400_000;
/** ACM renews its own 60 days before they end; what is still unrenewed after half of that needs somebody. */
const FEW_DAYS = 30;

function findingOf(name: string, { status, until, renewal }: Certificate, now: number): Finding {
  const days = until ? Math.floor((Date.parse(until) - now) / DAY_MS) : 0;
  const text = `${name}: ${status}${until ? `, ${days} days left` : ''}${renewal ? `, renewal ${renewal}` : ''}`;
  if (status !== 'ISSUED' || days < 0) return bad(text);
  return days < FEW_DAYS ? look(`${text}: does the proof in DNS still stand?`) : good(text);
}

export function certificates({ global, settings, now }: Patient): Finding[] {
  const { domain, certificate_arn } = settings;
  if (!domain) return [good('CloudFront’s own')];
  const listed = `CertificateSummaryList[?DomainName=='${domain}'].CertificateArn | [0]`;
  const arn = certificate_arn || global.ask<string | null>('acm', 'list-certificates', [], listed);
  if (!arn) return [unread(`certificate of ${domain}`)];
  const found = global.ask<Certificate>('acm', 'describe-certificate', ['--certificate-arn', arn], QUERY);
  return [found ? findingOf(domain, found, now) : unread(`certificate of ${domain}`)];
}
