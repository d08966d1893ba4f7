import { SecretsmanagerSecret } from '@cdktf/provider-aws/lib/secretsmanager-secret/index.js';
import { SecretsmanagerSecretVersion } from '@cdktf/provider-aws/lib/secretsmanager-secret-version/index.js';
import type { Context } from './context.ts';

/** Setting of the programs to the secret's last name; its value is written by the operator, never by Terraform. */
const SECRETS = { API_TOKENS: 'api-tokens', SIGNING_KEYS: 'signing-keys' } as const;

/** Setting name to secret ARN. */
export type Secrets = Readonly<Record<keyof typeof SECRETS, string>>;

/** A task does not start on a secret without a value, so each begins as the empty list. */
export function secrets({ stack, settings, prefix }: Context): Secrets {
  const make = (name: string): string => {
    const secret = new SecretsmanagerSecret(stack, name, {
      name: `${prefix}/${name}`,
      recoveryWindowInDays: settings.protect ? 30 : 0,
    });
    // Write-only: the value is sent once and is in no state file.
    new SecretsmanagerSecretVersion(stack, `${name}-empty`, {
      secretId: secret.id,
      secretStringWo: '{}',
      secretStringWoVersion: 1,
    });
    return secret.arn;
  };
  return { API_TOKENS: make(SECRETS.API_TOKENS), SIGNING_KEYS: make(SECRETS.SIGNING_KEYS) };
}
