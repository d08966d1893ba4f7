#!/bin/sh
# The way out to the maintained fork, done in a copy: renames the imports and the packages, installs the fork with its
# own bindings (500 MB), and synthesises every stack: ./exit-cdktn.sh <folder for the result>
set -eu

out=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# The copy stands where infra stands: beside the programs that it imports from.
mkdir "$copy/infra"
for name in server test node_modules package.json; do ln -s "$here/../$name" "$copy/$name"; done
(cd "$here" && tar cf - --exclude=node_modules --exclude=cdktf.out --exclude=test .) | (cd "$copy/infra" && tar xf -)
cd "$copy/infra"
find . -name '*.ts' -exec sed -i -e "s#'cdktf'#'cdktn'#" -e "s#'@cdktf/provider-aws/#'@cdktn/provider-aws/#" \
  -e '/pinProvider(stack);/d' {} +
cat >package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": {
    "@cdktn/provider-aws": "25.7.0",
    "cdktn": "0.24.0",
    "constructs": "10.7.2",
    "esbuild": "0.28.2"
  }
}
JSON
rm -f package-lock.json
npm install --ignore-scripts --no-audit --no-fund
STAGES_FILE=${STAGES_FILE:-$copy/infra/stages.json} CDKTF_OUTDIR=$out node main.ts
echo "synthesised by cdktn with @cdktn/provider-aws: $out"
