import type { FastifySchema, RouteOptions } from 'fastify';
import { ID_PATTERN } from '../core/query/id.ts';

/** What clients that are generated from the document call an operation; part of the contract once it is out. */
const OPERATION_IDS: Readonly<Record<string, string>> = {
  'GET /img/{id}': 'getPicture',
  'HEAD /img/{id}': 'headPicture',
  'GET /api/explain/{id}': 'explainPicture',
  'GET /api/presets': 'listPresets',
  'POST /api/images': 'uploadImages',
  'GET /api/images': 'listImages',
  'GET /api/images/{id}': 'getImage',
  'PATCH /api/images/{id}': 'editImage',
  'DELETE /api/images/{id}': 'deleteImage',
  'PUT /api/images/{id}/original': 'replaceOriginal',
  'GET /api/images/{id}/status': 'getStatus',
  'POST /api/images/{id}/variants': 'warmVariants',
  'DELETE /api/images/{id}/variants': 'forgetVariants',
  'POST /api/images/import': 'importImages',
  'POST /api/images/{id}/refresh': 'refreshImage',
  'DELETE /api/images/{id}/block': 'unblockImage',
  'POST /api/images/{id}/notifications': 'notifyAgain',
  'POST /api/images/{id}/purge': 'purgeImage',
  'POST /api/images/presign': 'presignUpload',
  'POST /api/uploads/{id}': 'postPresignedForm',
  'POST /api/sign': 'signUrls',
  'POST /api/rewarm': 'rewarmVariants',
  'GET /api/warm-set': 'getWarmSet',
  'GET /api/feeds': 'listFeeds',
  'POST /api/feeds/{name}/run': 'runFeed',
  'POST /api/collections': 'createCollection',
  'GET /api/collections': 'listCollections',
  'GET /api/collections/{id}': 'getCollection',
  'PATCH /api/collections/{id}': 'editCollection',
  'DELETE /api/collections/{id}': 'deleteCollection',
  'POST /api/collections/{id}/relationships/images': 'addToCollection',
  'DELETE /api/collections/{id}/relationships/images': 'removeFromCollection',
  'GET /healthz': 'getLiveness',
  'HEAD /healthz': 'headLiveness',
  'GET /readyz': 'getReadiness',
  'GET /metrics': 'getMetrics',
};

/** Name of the operation of a route, as Fastify writes its path. */
export function operationOf(method: string, url: string): string {
  const path = url.replace('/*', '/{id}').replace(/:(\w+)/g, '{$1}');
  return OPERATION_IDS[`${method} ${path}`] ?? 'none';
}

/** RFC 9457, as OpenAPI knows it. */
export const PROBLEM_SCHEMA = {
  $id: 'Problem',
  title: 'Problem',
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'Request id.' },
    code: { type: 'string' },
    param: { type: 'string' },
    received: { type: 'string' },
    allowed: { type: 'string' },
    hint: { type: 'string' },
    checked: { type: 'string', description: 'The text that a signature was compared with.' },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
};

export interface OpenApiOptions {
  readonly version: string;
  /** Scheme and host of the deployment; absent where whoever asks decides. */
  readonly publicUrl: string | undefined;
  /** Whether the management API has tokens. */
  readonly hasTokens: boolean;
}

/** Options of @fastify/swagger. */
export function openApi({ version, publicUrl, hasTokens }: OpenApiOptions) {
  const token = { type: 'http' as const, scheme: 'bearer' };
  const statusKey = { type: 'apiKey' as const, in: 'query' as const, name: 'key' };
  const tokens = hasTokens ? [{ token: [] }] : [{ token: [] }, {}];
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rendition',
        version,
        license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
        contact: { name: 'Whoever runs this deployment' },
        description: 'Images in any size and format by URL; rendered once, kept, warmed before anyone asks.',
      },
      servers: [{ url: publicUrl ?? '/', description: 'This deployment.' }],
      tags: [
        { name: 'images', description: 'Pictures by URL, and what a URL would do.' },
        { name: 'management', description: 'Uploads, and what becomes of them.' },
        { name: 'collections', description: 'Images that belong together.' },
        { name: 'operations', description: 'For whoever runs it.' },
      ],
      components: { securitySchemes: { token, statusKey } },
    },
    refResolver: {
      buildLocalReference: (
        json: Record<string, unknown>,
        _base: unknown,
        _fragment: unknown,
        offset: number,
      ) => (typeof json['$id'] === 'string' ? json['$id'] : `def-${offset}`),
    },
    transform: ({ schema, url, route }: { schema: FastifySchema; url: string; route: RouteOptions }) => {
      const path = url.replace('/*', '/{id}');
      const isGuarded = url.startsWith('/api/') && !route.config?.isOpen;
      const security = route.config?.takesKey ? [...tokens, { statusKey: [] }] : tokens;
      const { summary } = schema ?? {};
      const described = summary ? { description: `${summary} ${accessOf(route, isGuarded, hasTokens)}` } : {};
      const ofImage = !url.startsWith('/api/collections/');
      return {
        schema: { ...withId(schema, ofImage), ...described, security: isGuarded ? security : [] },
        url: path,
      };
    },
    transformObject: (written: object) =>
      withNamedSchemas(
        'openapiObject' in written && isObject(written.openapiObject) ? written.openapiObject : {},
      ),
  };
}

/** Who may make a call, in words. */
function accessOf({ method, config }: RouteOptions, isGuarded: boolean, hasTokens: boolean): string {
  if (!isGuarded) return 'No token is asked for.';
  const isReading = [method].flat().every((name) => name === 'GET' || name === 'HEAD');
  const scope = `a token of scope ${isReading ? 'read' : 'write'}`;
  const key = config?.takesKey ? ', or the key of a statusUrl' : '';
  if (hasTokens) return `Needs ${scope}${key}.`;
  return `Open to this machine alone; where the deployment has tokens it needs ${scope}${key}.`;
}

/** The rest of a path is an id. What that of an image must be is said here alone: the reader of ids refuses it in more words. */
function withId(schema: FastifySchema | undefined, ofImage: boolean): FastifySchema {
  const params: unknown = schema?.params;
  const properties = isObject(params) && isObject(params['properties']) ? params['properties'] : {};
  const id = properties['*'] ?? properties['id'];
  if (!isObject(params) || !isObject(id)) return { ...schema };
  const told = ofImage ? { ...id, pattern: ID_PATTERN } : id;
  return { ...schema, params: { ...params, properties: { id: told } } };
}

const NO_BODY = 'Done; the answer has no body.';

/** Names every operation, and says of an answer without a body that it has none. */
function withNames(paths: unknown): unknown {
  if (!isObject(paths)) return paths;
  const named = Object.entries(paths).map(([path, item]) => {
    const operations = Object.entries(isObject(item) ? item : {}).map(([method, operation]) => {
      const operationId = OPERATION_IDS[`${method.toUpperCase()} ${path}`];
      return [
        method,
        isObject(operation) ? { operationId, ...operation, ...answersOf(method, operation) } : operation,
      ];
    });
    return [path, Object.fromEntries(operations)];
  });
  return Object.fromEntries(named);
}

/** HEAD has no content (RFC 9110, 9.3.2), and of a picture that is not made yet no type either. Problems have theirs. */
function answersOf(method: string, { responses }: Record<string, unknown>): object {
  if (!isObject(responses)) return {};
  const told = Object.entries(responses).map(([status, response]) => {
    if (!isObject(response)) return [status, response];
    const { content: _content, ...empty } = response;
    const own = method === 'head' && status === '200' ? empty : response;
    const isUnsaid = status === '204' && own['description'] === 'Default Response';
    return [status, isUnsaid ? { ...own, description: NO_BODY } : own];
  });
  return { responses: Object.fromEntries(told) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const IS_NAME = /^[A-Z]\w+$/;

/** A schema with a title stands once, under that name, so that generated clients have a type of that name. */
function withNamedSchemas(document: object): object {
  const schemas: Record<string, unknown> = {};
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isObject(value)) return value;
    const made = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)]));
    const { title, type, anyOf } = made;
    if (typeof title !== 'string' || !IS_NAME.test(title) || !(type || anyOf)) return made;
    schemas[title] = made;
    return { $ref: `#/components/schemas/${title}` };
  };
  const { paths, components, ...rest } = Object.fromEntries(Object.entries(document));
  const visited = visit(withNames(paths));
  const known = isObject(components) ? components : {};
  const named = isObject(known['schemas']) ? known['schemas'] : {};
  return { ...rest, components: { ...known, schemas: { ...named, ...schemas } }, paths: visited };
}
