import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPackageDefinition, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Block, ProviderSchema } from './schema.ts';
import { conforming, type Fields, isFields, pack, planned, settled, unpack, type Value } from './values.ts';

interface Dynamic {
  msgpack: Uint8Array;
}

type Answer = (request: Record<string, Dynamic & { json?: Uint8Array }> & { type_name?: string }) => object;

function wireBlock(block: Block): object {
  return {
    attributes: block.attributes.map(({ type, writeOnly, ...attribute }) => ({
      ...attribute,
      type: Buffer.from(JSON.stringify(type)),
      write_only: writeOnly,
    })),
    block_types: block.blocks.map(({ name, nesting, minItems, maxItems, block: inner }) => ({
      type_name: name,
      nesting,
      min_items: minItems,
      max_items: maxItems,
      block: wireBlock(inner),
    })),
  };
}

const wire = (block: Block): object => ({ version: 0, block: wireBlock(block) });
const wireAll = (blocks: Record<string, Block>): object =>
  Object.fromEntries(Object.entries(blocks).map(([type, block]) => [type, wire(block)]));

function fieldsOf(dynamic: Dynamic | undefined): Fields | undefined {
  const value = dynamic ? unpack(dynamic.msgpack) : null;
  return isFields(value) ? value : undefined;
}

const send = (value: Value): { msgpack: Buffer } => ({ msgpack: pack(value) });

/** A provider that remembers nothing: Terraform holds the state, this fills in what a real one would have made up. */
function answers(schema: ProviderSchema): Record<string, Answer> {
  const resource = (type = ''): Block => {
    const block = schema.resources[type] ?? schema.data[type];
    if (!block) throw new Error(`No such type: ${type}`);
    return block;
  };
  return {
    GetSchema: () => ({
      provider: wire(schema.provider),
      resource_schemas: wireAll(schema.resources),
      data_source_schemas: wireAll(schema.data),
    }),
    PrepareProviderConfig: ({ config }) => ({ prepared_config: config }),
    ValidateResourceTypeConfig: () => ({}),
    ValidateDataSourceConfig: () => ({}),
    Configure: () => ({}),
    UpgradeResourceState: ({ type_name, raw_state }) => ({
      upgraded_state: send(
        conforming(resource(type_name), JSON.parse(Buffer.from(raw_state?.json ?? '').toString())),
      ),
    }),
    ReadResource: ({ current_state }) => ({ new_state: current_state }),
    PlanResourceChange: ({ type_name, proposed_new_state }) => {
      const proposed = fieldsOf(proposed_new_state);
      return { planned_state: proposed ? send(planned(resource(type_name), proposed)) : proposed_new_state };
    },
    ApplyResourceChange: ({ type_name, planned_state }) => {
      const plan = fieldsOf(planned_state);
      return { new_state: plan ? send(settled(resource(type_name), plan, type_name ?? '')) : planned_state };
    },
    ReadDataSource: ({ type_name, config }) => {
      const block = schema.data[type_name ?? ''] ?? resource(type_name);
      return { state: send(settled(block, planned(block, fieldsOf(config) ?? {}), type_name ?? '')) };
    },
    Stop: () => ({}),
  };
}

function providerService(): ServiceDefinition {
  const file = loadSync(join(import.meta.dirname, 'tfplugin5.proto'), { keepCase: true, enums: String });
  const loaded = loadPackageDefinition(file) as unknown as {
    tfplugin5: { Provider: { service: ServiceDefinition } };
  };
  return loaded.tfplugin5.Provider.service;
}

export interface Running {
  /** For the environment of terraform, which then starts no provider of its own. */
  reattach: string;
  close(): void;
}

const LARGE = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** Serves the schema as `hashicorp/aws` on a socket, over Terraform's plugin protocol 5. */
export async function serve(schema: ProviderSchema): Promise<Running> {
  const socket = join(tmpdir(), `rendition-provider-${randomUUID()}.sock`);
  const server = new Server(LARGE);
  const handlers = Object.entries(answers(schema)).map(([name, answer]) => {
    const handle = (
      call: { request: Parameters<Answer>[0] },
      done: (error: Error | null, reply?: object) => void,
    ) => {
      try {
        done(null, answer(call.request));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    };
    return [name, handle];
  });
  server.addService(providerService(), Object.fromEntries(handlers));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const address = { Network: 'unix', String: socket };
  const provider = { Protocol: 'grpc', ProtocolVersion: 5, Pid: process.pid, Test: true, Addr: address };
  return {
    reattach: JSON.stringify({ 'hashicorp/aws': provider }),
    close: () => {
      server.forceShutdown();
      rmSync(socket, { force: true });
    },
  };
}
