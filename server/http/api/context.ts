import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { Presets } from '../../core/query/rule.ts';
import type { Feeds } from '../../feeds/feeds.ts';
import type { Demand } from '../../reading/demand.ts';
import type { Records } from '../../stores/stores.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Management } from '../../writing/management.ts';
import type { LocalForms } from '../../writing/presign.ts';

/** An app whose routes take their types from their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface ApiDeps extends Management {
  readonly records: Records;
  readonly metrics: Metrics;
  /** What this process has counted and not written yet. */
  readonly demand: Pick<Demand, 'flush'>;
  readonly feeds: Feeds;
  readonly presets: Presets;
  /** Names in queries of images that the deployment drops without a word. */
  readonly ignored: readonly string[];
  /** Throws for what this deployment refuses. */
  readonly check: (canonical: string) => void;
  /** Whether the originals are somebody's folder, to which nothing is written. */
  readonly isReadOnly: boolean;
  readonly ratePerMinute: number;
  readonly maxUploadBytes: number;
  /** Bytes a second that a sender of an upload must keep to; 0: any. */
  readonly minUploadRate: number;
  /** Whether webhooks can be signed; without it they are refused. */
  readonly hasWebhookSecret: boolean;
  readonly webhookPrivate: boolean;
  /** Where forms of presigned uploads come back to this server. */
  readonly localForms: LocalForms | undefined;
}

/** Scheme and host as the client sees them. */
export function originOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`;
}
