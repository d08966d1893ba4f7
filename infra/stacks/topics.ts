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

/** Who is told of what; an address has to confirm before anything is sent to it. */
export function topics({ stack, settings, prefix, global }: Context): Topics {
  const topic = (id: string, email: string, elsewhere: object = {}): string => {
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
  };
  return {
    notificationsArn: topic('notifications', settings.notify_email),
    alarmsArn: topic('alarms', settings.alarm_email),
    globalAlarmsArn: topic('alarms-cdn', settings.alarm_email, { provider: global }),
  };
}
