import { CloudfrontFunction } from '@cdktf/provider-aws/lib/cloudfront-function/index.js';
import { CloudfrontKeyValueStore } from '@cdktf/provider-aws/lib/cloudfront-key-value-store/index.js';
import { CloudfrontkeyvaluestoreKey } from '@cdktf/provider-aws/lib/cloudfrontkeyvaluestore-key/index.js';
import { colorPieces } from '../edge/bundle-colors.ts';
import { rulePieces } from '../edge/pack.ts';
import { presetQueries } from '../program-settings.ts';
import type { Context } from './context.ts';
import { literal } from './text.ts';

export interface Edge {
  viewerFunction: string;
  /** Where the operator puts signing keys, as `key:<kid>`. */
  storeArn: string;
}

/** The viewer-request function and what it looks up. Signing keys are put there by hand: state must not hold them. */
export function edge({ stack, settings, viewerCode, prefix }: Context): Edge {
  const store = new CloudfrontKeyValueStore(stack, 'edge-values', {
    name: `${prefix}-edge`,
    comment: 'key:<kid>, preset:<name>, colors:<piece>, rules-<table>:<piece>',
  });
  const put = (id: string, key: string, value: string) =>
    new CloudfrontkeyvaluestoreKey(stack, id, { keyValueStoreArn: store.arn, key, value: literal(value) });
  for (const [name, query] of Object.entries(presetQueries(settings.environment))) {
    put(`edge-preset-${name}`, `preset:${name}`, query);
  }
  for (const [number, piece] of colorPieces().entries())
    put(`edge-colors-${number}`, `colors:${number}`, piece);
  const rules = rulePieces();
  // The function of before looks for its own rows until it is replaced: theirs go after that.
  const rows = rules.pieces.map((piece, number) => {
    const row = put(`edge-rules-${number}`, `${rules.name}:${number}`, piece);
    row.addOverride('lifecycle.create_before_destroy', true);
    return row;
  });
  const viewer = new CloudfrontFunction(stack, 'viewer-request', {
    name: `${prefix}-viewer-request`,
    runtime: 'cloudfront-js-2.0',
    comment: 'Canonical form, format, signature.',
    keyValueStoreAssociations: [store.arn],
    publish: true,
    code: literal(viewerCode),
    dependsOn: rows,
  });
  return { viewerFunction: viewer.arn, storeArn: store.arn };
}
