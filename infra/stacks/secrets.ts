import { SecretsmanagerSecret } from '@cdktf/provider-aws/lib/secretsmanager-secret/index.js';
import { SecretsmanagerSecretVersion } from '@cdktf/provider-aws/lib/secretsmanager-secret-version/index.js';
import type { Context } from './context.ts';
import { json } from './text.ts';

/** Setting name of the programs to secret ARN. */
export type Secrets = Readonly<Record<string, string>>;

/** No token has this hash. Without any token the API would be open, and this is the value it starts with. */
const CLOSED = json({ nobody: `read:${'0'.repeat(64)}` });

/** Made with a value, because a task does not start without one; the operator's values never meet Terraform. */
export function secrets({ stack, settings, prefix }: Context): Secrets {
  const make = (name: string, first: string): string => {
    const secret = new SecretsmanagerSecret(stack, name, {
      name: `${prefix}/${name}`,
      recoveryWindowInDays: settings.protect ? 30 : 0,
    });
    // Write-only: the value is sent once and is in no state file.
    new SecretsmanagerSecretVersion(stack, `${name}-first`, {
      secretId: secret.id,
      secretStringWo: first,
      secretStringWoVersion: 1,
    });
    return secret.arn;
  };
  const { webhook_secret_arn: webhooks, source_headers_arn: headers } = settings;
  return {
    API_TOKENS: make('api-tokens', CLOSED),
    SIGNING_KEYS: make('signing-keys', '{}'),
    ...(webhooks ? { WEBHOOK_SECRET: webhooks } : {}),
    ...(headers ? { SOURCE_HEADERS: headers } : {}),
  };
}
