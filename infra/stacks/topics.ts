import { SnsTopic } from '@cdktf/provider-aws/lib/sns-topic/index.js';
import { SnsTopicSubscription } from '@cdktf/provider-aws/lib/sns-topic-subscription/index.js';
import type { Context } from './context.ts';
import { literal } from './text.ts';

export interface Topics {
  /** Finished images. */
  notificationsArn: string;
  alarmsArn: string;
  /** Alarms on CloudFront's metrics live in us-east-1, and an alarm can only tell a topic of its own region. */
  globalAlarmsArn: string;
}

function topic({ stack, prefix }: Context, id: string, email: string, elsewhere: object = {}): string {
  const made = new SnsTopic(stack, id, { name: `${prefix}-${id}`, ...elsewhere });
  if (email) {
    new SnsTopicSubscription(stack, `${id}-email`, {
      topicArn: made.arn,
      protocol: 'email',
      endpoint: literal(email),
      ...elsewhere,
    });
  }
  return made.arn;
}

/** Of a region that has alarms alone. */
export const alarmTopic = (at: Context): string => topic(at, 'alarms', at.settings.alarm_email);

/** Who is told of what; an address has to confirm before anything is sent to it. */
export function topics(at: Context): Topics {
  const { settings, global } = at;
  return {
    notificationsArn: topic(at, 'notifications', settings.notify_email),
    alarmsArn: alarmTopic(at),
    globalAlarmsArn: topic(at, 'alarms-cdn', settings.alarm_email, { provider: global }),
  };
}
