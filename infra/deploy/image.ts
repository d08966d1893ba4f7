import type { Shell } from './steps.ts';

/** The digest of a tag in the account's repository, or undefined. */
const digestOf = (shell: Shell, tag: string): string | undefined =>
  shell.ask(
    'aws',
    ...['ecr', 'describe-images', '--repository-name', 'rendition', '--image-ids', `imageTag=${tag}`],
    ...['--query', 'imageDetails[0].imageDigest', '--output', 'text'],
  );

/** Tasks are ARM: elsewhere than on such a machine Docker needs an emulator for the few steps that run. */
function requireArm(shell: Shell): void {
  const platforms = shell.read('docker', 'buildx', 'inspect', '--bootstrap');
  if (!platforms.includes('linux/arm64'))
    throw new Error(
      'Docker cannot build for linux/arm64 here: docker run --privileged --rm tonistiigi/binfmt --install arm64',
    );
}

/** Builds and pushes this commit once; a repeat finds it. Resolves to `repository@digest`. */
export function pushImage(shell: Shell, repository: string): string {
  const commit = shell.read('git', 'rev-parse', 'HEAD');
  // Tags are immutable: what is not committed gets one of its own each time.
  const isClean = shell.read('git', 'status', '--porcelain') === '';
  const tag = isClean ? commit : `${commit}-${Date.now()}`;
  const before = digestOf(shell, tag);
  if (before) return `${repository}@${before}`;
  requireArm(shell);
  const registry = repository.split('/')[0] ?? '';
  shell.run(
    'sh',
    '-c',
    `aws ecr get-login-password | docker login --username AWS --password-stdin ${registry}`,
  );
  shell.run(
    'docker',
    ...['buildx', 'build', '--platform', 'linux/arm64', '--provenance=false', '--push'],
    ...['--tag', `${repository}:${tag}`, '..'],
  );
  const digest = digestOf(shell, tag);
  if (!digest) throw new Error(`The repository has no image ${tag} after it was pushed`);
  return `${repository}@${digest}`;
}
