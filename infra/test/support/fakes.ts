import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const LOGGED =
  'printf "%s" "$(basename "$0")" >> "$FAKES/calls"; for a in "$@"; do printf " %s" "$a" >> "$FAKES/calls"; done; echo >> "$FAKES/calls"\n';

const OUTPUTS = {
  'rendition-account': { repository_url: '123456789012.dkr.ecr.us-east-1.amazonaws.com/rendition' },
  'rendition-dev': {
    cdn_domain: 'd1.cloudfront.net',
    signed: 'false',
    playground_url: 'https://d1.cloudfront.net/',
    dashboard_url: 'https://console.example/',
    curl: 'curl -H "Authorization: Bearer $TOKEN" -F file=@photo.jpg https://d1.cloudfront.net/api/images',
  },
};

/** Programs that a deployment calls, each remembering how; what they hold is in files, so that a repeat finds it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  aws: `case "$1 $2" in
  "sts get-caller-identity") echo 123456789012 ;;
  "s3api head-bucket") [ -e "$FAKES/bucket" ] ;;
  "s3api create-bucket") touch "$FAKES/bucket" ;;
  "s3api put-"*) ;;
  "ecr describe-images") [ -e "$FAKES/pushed" ] && echo sha256:${'d4'.repeat(32)} ;;
  "ecr get-login-password") echo password ;;
  "secretsmanager get-secret-value") cat "$FAKES/tokens" ;;
  "secretsmanager put-secret-value") echo '{"me":"write:x"}' > "$FAKES/tokens" ;;
  "ecs update-service"|"ecs wait") ;;
  *) echo "no such call: aws $*" >&2; exit 2 ;;
esac`,
  docker: `case "$1 $2" in
  "buildx inspect") echo "Platforms: linux/amd64, $FAKE_PLATFORM" ;;
  "buildx build") touch "$FAKES/pushed" ;;
  "login --username") cat > /dev/null ;;
  *) echo "no such call: docker $*" >&2; exit 2 ;;
esac`,
  git: `case "$1" in rev-parse) echo 0123abcd ;; status) ;; *) exit 2 ;; esac`,
  npx: `while [ $# -gt 0 ]; do [ "$1" = --outputs-file ] && cp "$FAKES/outputs.json" "$2"; shift; done; env | grep -E '^(RENDITION_|AWS_REGION|STAGES_FILE)' | sort >> "$FAKES/calls"; true`,
  curl: `for a in "$@"; do url=$a; done
case "$url" in
  */healthz) printf '{}\\n200' ;;
  */openapi.json) printf '"openapi"\\n200' ;;
  *w=0) printf 'invalid_parameter\\n400' ;;
  *w=100) if [ "$FAKE_SIGNED" = true ]; then printf 'signature_required\\n403'; else printf 'image_not_found\\n404'; fi ;;
  */api/images) printf 'unauthorized\\n401' ;;
  */metrics) printf 'none\\n404' ;;
esac`,
};

export class Fakes {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(join(folder, 'bin'));
    for (const [name, text] of Object.entries(PROGRAMS)) {
      const file = join(folder, 'bin', name);
      writeFileSync(file, `#!/bin/sh\n${LOGGED}${text}\n`);
      chmodSync(file, 0o755);
    }
    writeFileSync(join(folder, 'outputs.json'), JSON.stringify(OUTPUTS));
    writeFileSync(join(folder, 'tokens'), '{"nobody":"read:0"}');
  }

  /** Runs a program in `cwd` with the fakes before everything else; resolves to what it said. */
  run(cwd: string, command: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}) {
    const [program, ...args] = command;
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd,
      encoding: 'utf8',
      env: {
        ...process.env,
        FAKES: this.folder,
        FAKE_PLATFORM: 'linux/arm64',
        FAKE_SIGNED: 'false',
        PATH: [join(this.folder, 'bin'), process.env.PATH].join(delimiter),
        ...env,
      },
    });
    return { status, output: stripVTControlCharacters(`${stdout}${stderr}`) };
  }

  /** Calls since the last look, one a line. */
  calls(): string[] {
    const file = join(this.folder, 'calls');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    writeFileSync(file, '');
    return lines;
  }
}
