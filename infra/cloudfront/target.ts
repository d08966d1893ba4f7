import type { Behaviour, Distribution } from './distribution.ts';
import { originRequest } from './forwarding.ts';
import { type Answer, type Ask, type Failure, textAnswer, type ViewerRequest } from './message.ts';

/** "Optimize high availability with CloudFront origin failover". */
const FAILOVER_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** Where a request goes once the function has seen it. */
export interface Routed {
  readonly request: ViewerRequest;
  readonly behaviour: Behaviour;
  /** An origin or a group. */
  readonly target: string;
}

interface Asking {
  readonly distribution: Distribution;
  readonly ask: Ask;
}

async function askOne(
  { distribution, ask }: Asking,
  id: string,
  { request, behaviour }: Routed,
  kept: Answer | undefined,
): Promise<Answer | Failure> {
  const origin = distribution.origins.get(id);
  if (!origin) throw new Error(`The distribution has no origin ${id}`);
  const asked = originRequest(behaviour, request, origin);
  const { etag, 'last-modified': modified } = kept?.headers ?? {};
  const conditions = {
    ...(etag ? { 'if-none-match': etag } : {}),
    ...(modified ? { 'if-modified-since': modified } : {}),
  };
  return ask(id, { ...asked, headers: { ...asked.headers, ...conditions } });
}

/** "HTTP 502 status code", "HTTP 504 status code". */
function told(answer: Answer | Failure): Answer {
  if (answer === 'unreachable') return textAnswer(502, '502 ERROR: The request could not be satisfied.');
  if (answer === 'timeout') return textAnswer(504, '504 ERROR: The request could not be satisfied.');
  return answer;
}

/**
 * Asks an origin, or a group by its rules: the second member is asked where the first gives no answer or one of the
 * group's statuses, and what the second says is what the viewer gets.
 *
 * @param kept  what has expired, and is asked for in a new version only
 */
export async function askTarget(asking: Asking, routed: Routed, kept?: Answer): Promise<Answer> {
  const group = asking.distribution.groups.get(routed.target);
  if (!group) return told(await askOne(asking, routed.target, routed, kept));
  const [primary, secondary] = group.members;
  const first = await askOne(asking, primary, routed, kept);
  const isFailing = typeof first === 'string' || group.statusCodes.includes(first.status);
  const goesOn = isFailing && FAILOVER_METHODS.includes(routed.request.method);
  return told(goesOn ? await askOne(asking, secondary, routed, kept) : first);
}
