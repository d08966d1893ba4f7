import { LocalBackend, S3Backend, type TerraformStack } from 'cdktf';
import type { Settings } from '../settings.ts';

/** State in the bucket that bootstrap.sh made, locked by an object beside it; on disk where no bucket is named. */
export function keepState(stack: TerraformStack, settings: Settings, name: string): void {
  if (!settings.state_bucket) {
    // A relative path keeps the synthesised JSON free of the machine it was made on.
    new LocalBackend(stack, { path: `../../../${name}.tfstate` });
    return;
  }
  new S3Backend(stack, {
    bucket: settings.state_bucket,
    key: `rendition/${name}.tfstate`,
    region: settings.region,
    encrypt: true,
  });
  // The bindings are older than native locking and have no property for it.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
}
