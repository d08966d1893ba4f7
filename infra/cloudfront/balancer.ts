import { matches } from './forwarding.ts';
import { type Answer, type Failure, type OriginRequest, textAnswer } from './message.ts';
import type { Stack } from './stack.ts';

interface RawRule {
  priority: number;
  condition: { path_pattern?: { values: string[] } }[];
  action: { type: string; fixed_response?: { content_type: string; status_code: string } }[];
}

export interface FixedAnswer {
  readonly patterns: readonly string[];
  readonly status: number;
}

/** Rules of the listener in their order. */
export function fixedAnswers(stack: Stack): FixedAnswer[] {
  const rules = Object.values(stack.all<RawRule>('aws_lb_listener_rule')).sort(
    (a, b) => a.priority - b.priority,
  );
  return rules.map(({ condition, action }) => ({
    patterns: condition.flatMap(({ path_pattern }) => path_pattern?.values ?? []),
    status: Number(action[0]?.fixed_response?.status_code),
  }));
}

/**
 * An Application Load Balancer before the servers. "Troubleshoot your Application Load Balancers": 503 without targets,
 * 502 where a target refuses, 504 where it says nothing. "HTTP headers and Application Load Balancers": who asked is
 * appended, scheme and port are those of its own listener.
 */
export async function askBalancer(
  rules: readonly FixedAnswer[],
  asked: OriginRequest,
  forward: ((asked: OriginRequest) => Promise<Answer | Failure>) | undefined,
): Promise<Answer> {
  const rule = rules.find(({ patterns }) => patterns.some((pattern) => matches(pattern, asked.path)));
  if (rule) return textAnswer(rule.status, '', { 'content-type': 'text/plain' });
  if (!forward)
    return textAnswer(503, '<h1>503 Service Temporarily Unavailable</h1>', { server: 'awselb/2.0' });
  const answer = await forward({
    ...asked,
    headers: {
      ...asked.headers,
      'x-forwarded-for': [asked.headers['x-forwarded-for'], '10.40.0.10'].filter(Boolean).join(', '),
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '80',
    },
  });
  if (answer === 'unreachable') return textAnswer(502, '<h1>502 Bad Gateway</h1>', { server: 'awselb/2.0' });
  if (answer === 'timeout') return textAnswer(504, '<h1>504 Gateway Time-out</h1>', { server: 'awselb/2.0' });
  return answer;
}
